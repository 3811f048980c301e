"""Where imports are put together: artifact folders made of other folders' files."""

import dataclasses
import json
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from harnessgym_mcp.core.formats.common import Draft, FormatError, Terms, artifact_name, dump
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import visible
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.errors import HarnessGymError, StateError
from harnessgym_mcp.store.atomic import Step, no_step
from harnessgym_mcp.store.tree import Tree, TreeRefused, copy_tree, survey

__all__ = ["Bench", "Candidate", "load_json", "refusals"]

_MOST_JSON = 4 << 20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(slots=True)
class Candidate:
    """One artifact to be; without a `folder` it has findings (it is refused) or only notes (it is skipped)."""

    name: str
    kind: Literal["server", "skill"] = "server"
    origin: str = ""
    folder: Path | None = None
    status: Literal["ready", "refused", "skipped"] = "ready"
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Bench:
    """A private folder with room for any number of artifacts under construction."""

    def __init__(
        self,
        work: Path,
        limits: Limits,
        terms: Terms | None = None,
        name: str = "",
        quarantined: bool = False,
        step: Step = no_step,
    ) -> None:
        self.limits = limits
        self.terms = terms or Terms()
        self.quarantined = quarantined
        self.name = name
        self.step = step
        self._work = work
        self._numbers = count(1)

    def fresh(self, name: str) -> Path:
        """The path of a folder that is not there yet."""
        place = self._work / str(next(self._numbers))
        place.mkdir()
        return place / artifact_name(name)

    def survey(self, folder: Path) -> Tree:
        """A folder's files. Raises TreeRefused."""
        tree, problems = survey(folder, self.limits)
        if problems:
            raise TreeRefused(problems)
        return tree

    def take(self, source: Path, target: Path, *, without: Collection[str] = ()) -> None:
        """Copy a whole folder, except these files, to a place that is not there yet. Raises TreeRefused."""
        tree = self.survey(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_tree(
            source, target, dataclasses.replace(tree, files=tuple(f for f in tree.files if f.path not in without))
        )
        self.step("files taken")

    def take_files(self, root: Path, paths: Iterable[str], target: Path) -> None:
        """Copy single files to the same paths below `target`. Raises FormatError."""
        left = self.limits.artifact_bytes
        for path in sorted(set(paths)):
            data, runs = _read(root, path, min(self.limits.file_bytes, left))
            left -= len(data)
            self.write(target, {path: data})
            (target / path).chmod(0o755 if runs else 0o644)

    def write(self, folder: Path, files: dict[str, str] | dict[str, bytes]) -> None:
        for path, content in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def finish(self, folder: Path, draft: Draft, origin: str, kind: Literal["server", "skill"] = "server") -> Candidate:
        """The manifests written: the artifact is ready to be judged."""
        if self.name:
            draft = _renamed(draft, self.name)
        self.write(folder, {"plugin.json": dump(draft.plugin)})
        if draft.mcp is not None:
            self.write(folder, {"mcp.json": dump(draft.mcp)})
        self.step("manifests written")
        return Candidate(name=draft.name, kind=kind, origin=origin, folder=folder, notes=draft.notes)

    def attempt(self, name: str, origin: str, build: Callable[[], Candidate]) -> Candidate:
        """What `build` gives, or the refusal that says why not: one bad artifact never stops the others."""
        try:
            return build()
        except StateError:
            raise
        except HarnessGymError as error:
            return Candidate(name=name, origin=origin, status="refused", findings=list(refusals(error)))


def _renamed(draft: Draft, name: str) -> Draft:
    mcp = dict(draft.mcp) if draft.mcp else None
    if mcp:
        mcp["mcpServers"] = {name: next(iter(mcp["mcpServers"].values()))}
    return Draft(name, {**draft.plugin, "name": name}, mcp, draft.notes)


def refusals(error: HarnessGymError) -> Iterator[Finding]:
    """Why something cannot be imported, as findings."""
    if isinstance(error, TreeRefused):
        for where, id, what in error.problems[:20]:
            fix = "an artifact is a folder of regular files with portable names, within policy's limits"
            yield finding(f"import.{id}", what, where=visible(where), fix=fix)
    else:
        where = error.where if isinstance(error, FormatError) else ""
        yield finding("import.format", error.message, where=visible(where), fix=error.hint or "correct the file")


@contextmanager
def _opened(root: Path, path: str) -> Iterator[int]:
    """A file below a folder, no link followed on the way."""
    place = root / path
    if not place.parent.resolve().is_relative_to(root.resolve()):
        raise FormatError(path, "it lies outside, behind a symbolic link")
    try:
        fd = os.open(place, _OPEN)
    except OSError as error:
        raise FormatError(path, f"it cannot be read: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def _read(root: Path, path: str, most: int) -> tuple[bytes, bool]:
    """Content, and whether it may be executed."""
    with _opened(root, path) as fd:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise FormatError(path, "it is not a regular file")
        if found.st_size > most:
            raise FormatError(path, f"it has more than {most} bytes")
        with open(fd, "rb", closefd=False) as file:
            return file.read(most), bool(found.st_mode & 0o111)


def load_json(root: Path, path: str) -> Any:
    """The value of a JSON file below a folder. Raises FormatError."""
    data, _ = _read(root, path, _MOST_JSON)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(path, f"it is not JSON: {error}") from error
