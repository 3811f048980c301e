"""Folders as a comparison keeps them: copied once, named by their content, the same in every trial.

What a folder is worth is the digest of its entries: paths, executable bits, contents, links by their words, and empty
folders. The harness's own state and links into it are left out, so that the plain arm cannot reach them.
"""

import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from harnessgym_mcp.core.digest import tree_digest
from harnessgym_mcp.errors import CorruptError, NotFoundError, UsageError
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.home import hex_of

__all__ = ["Entry", "changes", "copy_folder", "digest_of", "entries_of", "keep_folder", "pack", "unpack"]

_OURS = ".harnessgym"
_NOISE = frozenset(
    {".agents", ".claude", ".codex", ".git", ".harnessgym", ".pytest_cache", "__pycache__", ".mypy_cache"}
)
"""What agents and interpreters leave by themselves: no sign that the task was worked at."""


class Entry(NamedTuple):
    """One file, link or empty folder. `content` is `sha256:<hex>`, `link:<its words>` or `folder`."""

    path: str  # relative, with '/'
    executable: bool
    content: str


def entries_of(root: Path) -> list[Entry]:
    """In order of their paths. Raises NotFoundError, UsageError for a pipe, socket or device, StateError."""
    if not root.is_dir():
        raise NotFoundError(f"there is no folder {str(root)!r}", hint="check the path")
    try:
        return sorted(_walk(root, root))
    except OSError as error:
        raise state_error("read", root, error) from error


def digest_of(entries: Iterable[Entry]) -> str:
    return tree_digest(entries)


def changes(before: Iterable[Entry], after: Iterable[Entry]) -> list[str]:
    """Paths that were added, changed or removed, without what programs leave by themselves."""
    old, new = ({e.path: e for e in entries if not _NOISE & set(e.path.split("/"))} for entries in (before, after))
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def copy_folder(source: Path, target: Path, entries: Iterable[Entry]) -> None:
    """Copy the entries into `target`, which is made when missing. Raises StateError."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            _copy(source / entry.path, target / entry.path, entry)
    except OSError as error:
        raise state_error("copy to", target, error) from error


def keep_folder(source: Path, store: Path) -> str:
    """Keep a copy of a folder under its digest, which is given; nothing happens when it is there already."""
    entries = entries_of(source)
    digest = digest_of(entries)
    final = store / hex_of(digest)
    if final.is_dir():
        return digest
    store.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=store))
    try:
        copy_folder(source, new, entries)
        if digest_of(entries_of(new)) != digest:
            raise CorruptError(f"{str(source)!r} changed while it was copied", hint="try again")
        os.rename(new, final)
    except OSError as error:
        if not final.is_dir():  # another process was first
            raise state_error("keep", final, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return digest


def pack(root: Path, paths: Iterable[str]) -> bytes:
    """Files and folders below `root` as a tar archive."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in paths:
            archive.add(root / path, arcname=path)
    return buffer.getvalue()


def unpack(data: bytes, root: Path) -> None:
    """Put an archive's files below `root`; members that would lie elsewhere raise CorruptError."""
    root.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=BytesIO(data)) as archive:
            archive.extractall(root, filter="tar")
    except tarfile.TarError as error:
        raise CorruptError(f"not an archive of ours: {error}", hint="run it again") from error


def _walk(root: Path, folder: Path) -> Iterator[Entry]:
    with os.scandir(folder) as scanned:
        found = [Path(entry.path) for entry in scanned if entry.name != _OURS]
    if not found and folder != root:
        yield Entry(folder.relative_to(root).as_posix(), executable=False, content="folder")
    for path in found:
        entry = _entry(root, path)
        if entry is not None:
            yield entry
        elif path.is_dir() and not path.is_symlink():
            yield from _walk(root, path)


def _entry(root: Path, path: Path) -> Entry | None:
    """None for a folder, and for a link into the harness's state."""
    info, name = path.lstat(), path.relative_to(root).as_posix()
    if stat.S_ISLNK(info.st_mode):
        words = _words(root, path)
        return None if _OURS in Path(words).parts else Entry(name, executable=False, content=f"link:{words}")
    if stat.S_ISDIR(info.st_mode):
        return None
    if not stat.S_ISREG(info.st_mode):
        raise UsageError(f"{str(path)!r} is neither a file, a folder nor a link", hint="remove it from the folder")
    return Entry(name, bool(info.st_mode & stat.S_IXUSR), _sha256(path))


def _words(root: Path, link: Path) -> str:
    """A link's words; an absolute link into the folder itself becomes relative, so that a copy leads into the copy."""
    words = os.readlink(link)
    inside = os.path.isabs(words) and Path(words).is_relative_to(root.absolute())
    return os.path.relpath(words, link.parent.absolute()) if inside else words


def _sha256(path: Path) -> str:
    with open(path, "rb", opener=_carefully) as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _carefully(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _copy(source: Path, target: Path, entry: Entry) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    kind, _, words = entry.content.partition(":")
    if kind == "folder":
        target.mkdir(exist_ok=True)
    elif kind == "link":
        target.symlink_to(words)
    else:
        with open(source, "rb", opener=_carefully) as old, open(target, "xb") as new:
            shutil.copyfileobj(old, new)
        target.chmod(0o755 if entry.executable else 0o644)
