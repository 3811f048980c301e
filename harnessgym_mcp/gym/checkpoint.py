"""States of a workspace, kept by content: taken before and after each attempt, so that any of them can be put back.

    <run>/blobs/ab/cdef...          each content once
    <run>/snapshots/<label>.json    what was where

Not part of a state: version control, the harness, agents' own folders, environments and caches. They are neither kept
nor ever touched. Sockets, pipes and devices are passed over.
"""

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from harnessgym_mcp.core.digest import canonical, sha256
from harnessgym_mcp.core.policy import Loop
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.errors import CorruptError, StateError
from harnessgym_mcp.store.atomic import state_error, write_atomic

__all__ = ["Checkpoints", "Kept", "Snapshot", "content_digest", "look", "place_of", "put"]

_LEFT_ALONE = (
    *(".git", ".hg", ".svn", ".harnessgym", ".claude", ".codex", ".agents"),
    *(".venv", "node_modules", "__pycache__", "*.py[co]"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
)
"""Names that are left alone at any depth."""

_CHUNK = 1 << 20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file, link or folder. `path` is relative and percent-encoded, since names need not be text; `content` is a
    file's digest or where a link leads (encoded alike); `mtime` in nanoseconds."""

    path: str
    kind: Literal["file", "link", "folder"]
    content: str = ""
    mode: int = 0
    size: int = 0
    mtime: int = 0

    @property
    def identity(self) -> tuple[str, str, int]:
        """Equal for equal content; a folder's mode and times of change do not matter."""
        return self.kind, self.content, self.mode if self.kind == "file" else 0


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a workspace, in order of paths; `skipped` could not be kept."""

    entries: list[Kept]
    skipped: list[str] = []
    schema: int = 1

    @property
    def digest(self) -> str:
        """Of what is where; times do not count."""
        return sha256(canonical([[e.path, *e.identity] for e in self.entries if e.kind != "folder"]))


class Checkpoints:
    """The snapshots of one run; `leave` are further folders to leave alone (a home or state within the workspace)."""

    def __init__(self, folder: Path, bounds: Loop, leave: frozenset[Path] = frozenset()) -> None:
        self._blobs = folder / "blobs"
        self._labels = folder / "snapshots"
        self._bounds = bounds
        self.leave = leave

    def has(self, label: str) -> bool:
        return self._file(label).exists()

    def capture(self, label: str, workspace: Path) -> Snapshot:
        """Keep the workspace as it is now. Raises StateError where it is too large or cannot be kept."""
        entries: list[Kept] = []
        skipped: list[str] = []
        left = self._bounds.snapshot_bytes
        for entry in look(workspace, self.leave, skipped):
            left -= entry.size
            if left < 0 or len(entries) >= self._bounds.snapshot_files:
                raise _too_large(self._bounds)
            entries.append(self._keep(workspace, entry) if entry.kind == "file" else entry)
        snapshot = Snapshot(entries=entries, skipped=skipped)
        self._labels.mkdir(parents=True, exist_ok=True)
        write_atomic(self._file(label), msgspec.json.encode(snapshot))
        return snapshot

    def load(self, label: str) -> Snapshot:
        """Raises CorruptError."""
        try:
            return decoded(self._file(label).read_bytes(), Snapshot)
        except (OSError, msgspec.MsgspecError) as error:
            raise CorruptError(f"the snapshot {label!r} cannot be read: {error}", hint="begin a new run") from error

    def unfold(self, snapshot: Snapshot, target: Path) -> None:
        """A copy in a new folder. Raises StateError."""
        try:
            target.mkdir(parents=True)
            for entry in snapshot.entries:
                put(entry, place_of(target, entry), self.blob(entry))
        except OSError as error:
            raise state_error("copy a snapshot to", target, error) from error

    def blob(self, entry: Kept) -> Path:
        """Where a file's content is kept."""
        return self._blobs / entry.content[:2] / entry.content[2:]

    def _file(self, label: str) -> Path:
        return self._labels / f"{label}.json"

    def _keep(self, workspace: Path, entry: Kept) -> Kept:
        """Copied while it is digested; a content that is kept already is written no second time."""
        path = place_of(workspace, entry)
        partial = self._blobs / "partial"
        try:
            self._blobs.mkdir(parents=True, exist_ok=True)
            digest = _copy(path, partial)
            blob = self._blobs / digest[:2] / digest[2:]
            blob.parent.mkdir(exist_ok=True)
            os.replace(partial, blob)
        except OSError as error:
            raise state_error("keep", path, error) from error
        return msgspec.structs.replace(entry, content=digest)


def look(workspace: Path, leave: frozenset[Path], skipped: list[str]) -> Iterator[Kept]:
    """All that a state consists of, a folder before what is in it; the files' contents are not read yet."""
    yield from _look(workspace, b"", leave, skipped)


def place_of(root: Path, entry: Kept) -> Path:
    return root / os.fsdecode(unquote_to_bytes(entry.path))


def put(entry: Kept, place: Path, blob: Path) -> None:
    """Make one entry where nothing is. Raises OSError, and CorruptError where the content is not what was kept."""
    if entry.kind == "folder":
        place.mkdir(exist_ok=True)
    elif entry.kind == "link":
        place.symlink_to(os.fsdecode(unquote_to_bytes(entry.content)))
    else:
        if _copy(blob, place) != entry.content:
            place.unlink()
            raise CorruptError(f"the kept content of {entry.path!r} is damaged", hint="begin a new run")
        place.chmod(entry.mode)
        os.utime(place, ns=(entry.mtime, entry.mtime))


def content_digest(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Raises OSError."""
    with os.fdopen(os.open(path, _OPEN), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _look(workspace: Path, prefix: bytes, leave: frozenset[Path], skipped: list[str]) -> Iterator[Kept]:
    folder = workspace / os.fsdecode(prefix)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        skipped.append(quote_from_bytes(prefix))
        return
    for name in names:
        path = folder / name
        if path in leave or any(fnmatch.fnmatchcase(name, pattern) for pattern in _LEFT_ALONE):
            continue
        relative = prefix + os.fsencode(name)
        entry = _entry(path, relative)
        if entry is None:
            skipped.append(quote_from_bytes(relative))
            continue
        yield entry
        if entry.kind == "folder":
            yield from _look(workspace, relative + b"/", leave, skipped)


def _entry(path: Path, relative: bytes) -> Kept | None:
    try:
        found = path.lstat()
        name = quote_from_bytes(relative, safe="/ ")
        if stat.S_ISDIR(found.st_mode):
            return Kept(path=name, kind="folder")
        if stat.S_ISLNK(found.st_mode):
            return Kept(path=name, kind="link", content=quote_from_bytes(os.fsencode(os.readlink(path)), safe="/ "))
        if stat.S_ISREG(found.st_mode) and os.access(path, os.R_OK):
            mode = stat.S_IMODE(found.st_mode) & 0o777
            return Kept(path=name, kind="file", mode=mode, size=found.st_size, mtime=found.st_mtime_ns)
    except OSError:
        return None
    return None


def _copy(source: Path, target: Path) -> str:
    whole = hashlib.sha256()
    with os.fdopen(os.open(source, _OPEN), "rb") as read, target.open("wb") as write:
        while chunk := read.read(_CHUNK):
            whole.update(chunk)
            write.write(chunk)
    return whole.hexdigest()


def _too_large(bounds: Loop) -> StateError:
    return StateError(
        f"the workspace has more than {bounds.snapshot_files} files or {bounds.snapshot_bytes} bytes",
        hint="work in a smaller folder, or raise loop.snapshot_files and loop.snapshot_bytes with --set",
    )
