"""Changing files of the workspace so that the originals come back whatever happens, a killed server included.

Before the first change, every original and the digests of all contents that will take its place are on disk, in the
artifact's own data folder. The next start compares: a file that holds one of our contents gets its original back; one
that somebody has edited since is left alone until a person or an agent decides. A lock tells a journal that is in use
from one that was left behind.
"""

import base64
import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from commands import workspace
from values import ToolError

MOST_BYTES = 8 << 20  # of one file
_PRIVATE = (".git", ".harnessgym")
Contents = Mapping[str, bytes | None]  # path -> content, None where the file is not there


class Original(NamedTuple):
    """A file as it was: `content` is None where there was none. `ours` are digests of what takes its place."""

    path: str
    content: bytes | None
    mode: int
    ours: frozenset[str]


def data_folder() -> Path:
    return Path(os.environ.get("PLUGIN_DATA") or tempfile.gettempdir())


def read(path: str) -> bytes | None:
    """A file of the workspace, None where there is none; raises ToolError for what must not be swept."""
    parts = Path(path).parts
    place = workspace() / path
    if not parts or ".." in parts or Path(path).is_absolute():
        raise ToolError(f"{path!r} has to be a path within the workspace")
    if parts[0] in _PRIVATE:
        raise ToolError(f"{path!r} belongs to {parts[0]}; it is not for sweeping")
    try:
        if place.resolve() != place:
            raise ToolError(f"{path!r} leads through a symbolic link; name the file itself")
        if not place.exists():
            if place.parent.is_dir():
                return None
            raise ToolError(f"{path!r} has no folder to lie in; make it first")
        if not place.is_file() or place.stat().st_size > MOST_BYTES:
            raise ToolError(f"{path!r} is no file, or has more than {MOST_BYTES >> 20} MiB")
        return place.read_bytes()
    except (OSError, ValueError) as error:
        raise ToolError(f"{path!r} cannot be read: {error}") from None


@contextmanager
def alone() -> Iterator[None]:
    """While no other server of this harness sweeps; raises ToolError where one does."""
    with (data_folder() / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ToolError("another session is sweeping this workspace; wait until it is done") from None
        yield


class Journal:
    """The originals of one sweep. Use it while `alone`."""

    def __init__(self, originals: list[Original]) -> None:
        self._originals = originals

    @classmethod
    def begin(cls, variants: list[Contents]) -> "Journal":
        """Save every file that some variant changes. Raises ToolError."""
        paths = sorted({path for files in variants for path in files})
        originals = [_original(path, [files[path] for files in variants if path in files]) for path in paths]
        if originals:
            _save(originals)
        return cls(originals)

    def show(self, files: Contents) -> None:
        """Make the workspace hold these contents, and the originals of all other files of the journal."""
        for original in self._originals:
            wanted = files.get(original.path, original.content)
            if _found(original) != wanted:
                _write(original, wanted)

    def restore(self) -> list[str]:
        """Give all originals back; tells of contents that the command itself had made, which are kept aside."""
        notes = []
        for original in self._originals:
            found = _found(original)
            if found is not None and found != original.content and _digest(found) not in original.ours:
                notes.append(
                    f"the command had changed {original.path}; its version is kept as {_keep(original, found)}"
                )
            if found != original.content:
                _write(original, original.content)
        _forget()
        return notes


class Leftover(NamedTuple):
    """What a sweep that never ended has left: files given back, and files that somebody has edited since."""

    restored: list[str]
    conflicts: list[str]


def recover(decision: Literal["", "restore", "keep"] = "") -> Leftover:
    """Undo what a killed server left behind; use it while `alone`. Without a decision, edited files are left alone."""
    restored, conflicts = [], []
    for original in _saved():
        found = _found(original)
        if found == original.content:
            continue
        edited = found is not None and _digest(found) not in original.ours
        if edited and not decision:
            conflicts.append(original.path)
            continue
        if edited and decision == "keep":
            _keep(original, original.content)
            continue
        if edited and found is not None:
            _keep(original, found)
        _write(original, original.content)
        restored.append(original.path)
    if not conflicts:
        _forget()
    return Leftover(restored, conflicts)


# ---- files


def _original(path: str, contents: list[bytes | None]) -> Original:
    content = read(path)
    mode = stat.S_IMODE((workspace() / path).stat().st_mode) if content is not None else 0o644
    return Original(path, content, mode, frozenset(_digest(c) for c in contents if c is not None))


def _found(original: Original) -> bytes | None:
    try:
        return (workspace() / original.path).read_bytes()
    except FileNotFoundError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(original: Original, content: bytes | None) -> None:
    """By a rename, so that nobody ever sees half a file. Its time is always new: build tools have to notice."""
    place = workspace() / original.path
    if content is None:
        place.unlink(missing_ok=True)
        return
    before = place.stat().st_mtime if place.exists() else 0.0
    place.parent.mkdir(parents=True, exist_ok=True)  # the command may have removed it
    beside = place.with_name(f".{place.name}.sweep")
    _put(beside, content)
    beside.chmod(original.mode)
    if int(beside.stat().st_mtime) <= int(before):  # some caches look at whole seconds
        os.utime(beside, (before + 1, before + 1))
    os.replace(beside, place)


def _put(place: Path, content: bytes) -> None:
    with place.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


# ---- the journal on disk


def _path() -> Path:
    return data_folder() / "journal.json"


def _save(originals: list[Original]) -> None:
    entries = [{**o._asdict(), "content": _as_text(o.content), "ours": sorted(o.ours)} for o in originals]
    beside = _path().with_suffix(".new")
    try:
        _put(beside, json.dumps({"workspace": str(workspace()), "files": entries}).encode())
        os.replace(beside, _path())
    except OSError as error:
        raise ToolError(f"the originals cannot be saved, so nothing was changed: {error.strerror}") from None


def _saved() -> list[Original]:
    """What the journal holds of this workspace; nothing where there is none."""
    try:
        value: dict[str, Any] = json.loads(_path().read_bytes())
    except FileNotFoundError:
        return []
    if value["workspace"] != str(workspace()):
        raise ToolError(f"an unfinished sweep of {value['workspace']} is on record; open that workspace to undo it")
    return [Original(f["path"], _as_bytes(f["content"]), f["mode"], frozenset(f["ours"])) for f in value["files"]]


def _forget() -> None:
    for original in _saved():
        place = workspace() / original.path
        place.with_name(f".{place.name}.sweep").unlink(missing_ok=True)
    _path().unlink(missing_ok=True)


def _keep(original: Original, content: bytes | None) -> str:
    """Put a content aside, in the data folder; gives its name there."""
    name = f"kept/{time.strftime('%Y%m%d-%H%M%S')}-{_digest(content or b'')[:8]}-{Path(original.path).name}"
    (data_folder() / "kept").mkdir(exist_ok=True)
    _put(data_folder() / name, content or b"")
    return name


def _as_text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _as_bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
