"""A fresh copy of the workspace for one room of the clean room: what is committed, or else what a person would call
the sources, without the harness's own state.

Git is asked only for its objects: no filter, hook or transfer that the repository's own settings name is ever run.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple, cast

from harnessgym_mcp.core.policy import Qualify

__all__ = ["Copied", "fresh_workspace"]

_LEFT_OUT = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".harnessgym",
        ".venv",
        "venv",
        "env",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".cache",
        ".next",
        ".gradle",
        ".idea",
        ".DS_Store",
        "dist",
        "build",
        "target",
        "htmlcov",
        "coverage",
    }
)
"""Names that a snapshot of a folder without commits leaves out at any depth."""

_GIT_ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_OPTIONAL_LOCKS": "0",
}
_HARMFUL = {"", ".", "..", ".git", ".harnessgym"}
_LINK, _FILE, _EXECUTABLE = "120000", "100644", "100755"


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of it; `complete` is False when the bounds left something out."""

    source: Literal["commit", "folder", "empty"]
    files: int = 0
    bytes: int = 0
    complete: bool = True


class _Entry(NamedTuple):
    mode: str  # as in a git tree
    path: str  # relative, with slashes
    size: int
    name: str  # of the git object, or "" for a file of the folder


def fresh_workspace(workspace: Path | None, target: Path, bounds: Qualify) -> Copied:
    """Make `target` (which must not exist) a copy of the workspace; empty when there is none. Raises OSError."""
    target.mkdir(parents=True)
    if workspace is None:
        return Copied("empty")
    committed = _committed(workspace)
    if committed is not None:
        with _objects(workspace) as read:
            return _copy("commit", committed, read, target, bounds)
    return _copy("folder", sorted(_walk(workspace)), partial(_content, workspace), target, bounds)


def _copy(
    source: Literal["commit", "folder"],
    entries: list[_Entry],
    read: Callable[[_Entry], bytes],
    target: Path,
    bounds: Qualify,
) -> Copied:
    kept, complete = _bounded(entries, bounds)
    size = 0
    for entry in kept:
        content = read(entry)
        _write(target, entry, content)
        size += len(content)
    return Copied(source, len(kept), size, complete)


def _write(target: Path, entry: _Entry, content: bytes) -> None:
    """A link that leads out of the workspace is left out: there is nothing behind it in the room."""
    place = target / entry.path
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode != _LINK:
        place.write_bytes(content)
        place.chmod(0o755 if entry.mode == _EXECUTABLE else 0o644)
    elif _stays_inside(entry.path, os.fsdecode(content)):
        place.symlink_to(os.fsdecode(content))


def _stays_inside(path: str, link: str) -> bool:
    return not os.path.isabs(link) and not os.path.normpath(os.path.join(os.path.dirname(path), link)).startswith("..")


def _content(workspace: Path, entry: _Entry) -> bytes:
    """A link's content is where it leads. O_NONBLOCK: a pipe put in the file's place must not hold us."""
    path = workspace / entry.path
    if entry.mode == _LINK:
        return os.fsencode(os.readlink(path))
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(entry.size)


def _bounded(entries: list[_Entry], bounds: Qualify) -> tuple[list[_Entry], bool]:
    kept: list[_Entry] = []
    left = bounds.workspace_bytes
    for entry in entries:
        if entry.size <= left and len(kept) < bounds.workspace_files:
            kept.append(entry)
            left -= entry.size
    return kept, len(kept) == len(entries)


def _git(workspace: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(workspace), *arguments]


def _committed(workspace: Path) -> list[_Entry] | None:
    """The files of HEAD at or below the workspace; None where git, a repository or a commit is missing."""
    listing = _git(workspace, "ls-tree", "-r", "-z", "-l", "HEAD")
    try:
        done = subprocess.run(listing, env={**os.environ, **_GIT_ENV}, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [entry for entry in map(_parse, done.stdout.split(b"\0")) if entry is not None]


def _parse(line: bytes) -> _Entry | None:
    """`mode type object size TAB path`; None for submodules, the harness's own state, and paths that climb."""
    head, _, raw = line.partition(b"\t")
    fields = head.decode().split()
    path = os.fsdecode(raw)
    if len(fields) != 4 or fields[1] != "blob" or _HARMFUL & set(path.split("/")):
        return None
    return _Entry(fields[0], path, int(fields[3]), fields[2])


@contextmanager
def _objects(workspace: Path) -> Iterator[Callable[[_Entry], bytes]]:
    """A function that reads an entry's content from git."""
    command = _git(workspace, "cat-file", "--batch")
    with subprocess.Popen(
        command, env={**os.environ, **_GIT_ENV}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        asked, told = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)

        def read(entry: _Entry) -> bytes:
            asked.write(entry.name.encode() + b"\n")
            asked.flush()
            head = told.readline().split()
            if len(head) != 3:
                raise OSError(f"git does not have {entry.path}")
            return told.read(int(head[2]) + 1)[:-1]

        yield read


def _walk(workspace: Path) -> Iterator[_Entry]:
    for folder, names, files in os.walk(workspace):
        names[:] = [name for name in names if name not in _LEFT_OUT]
        for name in files:
            path = Path(folder, name)
            with suppress(OSError):
                info = path.lstat()
                if name not in _LEFT_OUT and (stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode)):
                    yield _Entry(_mode(info.st_mode), path.relative_to(workspace).as_posix(), info.st_size, "")


def _mode(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return _LINK
    return _EXECUTABLE if mode & stat.S_IXUSR else _FILE
