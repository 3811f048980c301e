"""Imports: whatever a path holds, as artifact folders, each of which then goes through the clean room."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from harnessgym_mcp.core.formats.common import Terms
from harnessgym_mcp.core.lifecycle import Registry
from harnessgym_mcp.core.verdict import Finding, StageResult, Verdict, finding
from harnessgym_mcp.errors import NotFoundError, UsageError
from harnessgym_mcp.proc.held import HeldFolder
from harnessgym_mcp.qualify.archives import unpack
from harnessgym_mcp.qualify.candidates import Bench, Candidate
from harnessgym_mcp.qualify.readers import read_config, read_folder
from harnessgym_mcp.qualify.submission import Submission, Submitter
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.publish import Stores

__all__ = ["Imported", "Wishes", "import_all"]

_ARCHIVES = (".zip", ".mcpb", ".dxt", ".plugin")


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the importer wants: a name for a single artifact, terms, and whether what was quarantined counts too."""

    name: str = ""
    terms: Terms = Terms()
    quarantined: bool = False
    publish: bool = True  # False: judge only


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one artifact.

    `refused`: it could not even be read, see `findings`. `skipped`: see `notes`. The others have a verdict.
    """

    name: str
    kind: Literal["server", "skill"]
    origin: str
    status: Literal["qualified", "rejected", "refused", "skipped"]
    notes: list[str] = []
    findings: list[Finding] = []
    verdict: Verdict | None = None
    evidence: str = ""


async def import_all(
    submitter: Submitter,
    stores: Stores,
    source: str,
    wishes: Wishes,
    *,
    on_begin: Callable[[str], None] = lambda name: None,
    on_stage: Callable[[StageResult], None] = lambda stage: None,
) -> list[Imported]:
    """Import all that `source` holds: a path, or `path#entry` for one entry of a client's configuration.

    Raises NotFoundError when there is nothing to import, FormatError, StateError.
    """

    def passed(stage: StageResult) -> None:
        stores.step(f"stage {stage.id} done")
        on_stage(stage)

    with _work_folder() as work:
        stores.step("work folder made")
        bench = Bench(work, stores.limits, wishes.terms, wishes.name, wishes.quarantined, stores.step)
        candidates = await asyncio.to_thread(_candidates, source, bench)
        _tell_apart(candidates, wishes.name, stores.registry.load())
        stores.step("candidates read")
        done = []
        for candidate in candidates:
            on_begin(candidate.name)
            done.append(await _one(submitter, candidate, wishes.publish, passed))
            stores.step("candidate done")
    stores.step("work folder removed")
    return done


@contextmanager
def _work_folder() -> Iterator[Path]:
    """Where artifacts are put together; a disk that fails there is told as such."""
    try:
        folder = HeldFolder.make("harnessgym-imports-")
    except OSError as error:
        raise state_error("make a folder in", Path(tempfile.gettempdir()), error) from error
    with folder as work:
        try:
            yield work
        except OSError as error:
            raise state_error("use", Path(os.fsdecode(error.filename or work)), error) from error


def _candidates(source: str, bench: Bench) -> list[Candidate]:
    path, entry = _located(source)
    if path.is_dir():
        found = read_folder(path, bench)
    elif path.suffix.lower() in _ARCHIVES:
        found = _read_archive(path, bench)
    elif path.name == "SKILL.md":
        found = read_folder(path.parent, bench)
    else:
        found = read_config(path, entry, bench)
    if not found:
        raise NotFoundError(
            f"{str(path)!r} holds nothing to import",
            hint="give a .harnessgym tree, a plugin or skill folder, a .zip or .mcpb, or a .mcp.json[#entry]",
        )
    return found


def _tell_apart(candidates: list[Candidate], name: str, registry: Registry) -> None:
    """Two artifacts of one import must not become versions of each other. Raises UsageError."""
    ready = [c for c in candidates if c.status == "ready"]
    if name and len(ready) > 1:
        hint = "name one of them in PATH, or import them under their own names"
        raise UsageError(f"--name is for one artifact; there are {len(ready)}", hint=hint)
    seen: set[str] = set()
    for candidate in ready:
        if candidate.name in seen:
            what = f"another artifact of this import is called {candidate.name!r}"
            candidate.findings = [finding("import.format", what, fix="import it by itself, with --name")]
            candidate.status = "refused"
        elif candidate.name in registry.artifacts:
            version = registry.artifacts[candidate.name].version.version
            candidate.notes.append(f"it follows version {version} of {candidate.name}, which `rollback` brings back")
        seen.add(candidate.name)


def _located(source: str) -> tuple[Path, str]:
    path = Path(source)
    if path.exists():
        return path.absolute(), ""
    before, mark, entry = source.rpartition("#")
    if mark and Path(before).is_file():
        return Path(before).absolute(), entry
    raise NotFoundError(f"there is no {source!r}", hint="check the path")


def _read_archive(path: Path, bench: Bench) -> list[Candidate]:
    folder = bench.fresh("unpacked")
    if found := unpack(path, folder, bench.limits):
        return [Candidate(name=path.stem, origin="archive", status="refused", findings=found)]
    bench.step("unpacked")
    return read_folder(folder, bench)


async def _one(
    submitter: Submitter, candidate: Candidate, publish: bool, on_stage: Callable[[StageResult], None]
) -> Imported:
    if candidate.status != "ready" or candidate.folder is None:
        status: Literal["refused", "skipped"] = "refused" if candidate.findings else "skipped"
        return _imported(candidate, status, candidate.findings)
    if not publish:
        verdict = await submitter.judge(candidate.folder, on_stage=on_stage)
        return _imported(candidate, verdict.status, verdict.findings, verdict)
    done: Submission = await submitter.submit(candidate.folder, on_stage=on_stage)
    candidate.notes += done.notes
    return _imported(candidate, done.verdict.status, done.verdict.findings, done.verdict, done.evidence)


def _imported(
    candidate: Candidate,
    status: Literal["qualified", "rejected", "refused", "skipped"],
    findings: list[Finding],
    verdict: Verdict | None = None,
    evidence: str = "",
) -> Imported:
    return Imported(
        name=candidate.name,
        kind=candidate.kind,
        origin=candidate.origin,
        status=status,
        notes=candidate.notes,
        findings=findings,
        verdict=verdict,
        evidence=evidence,
    )
