"""Archives from strangers, unpacked without believing a word of them.

Everything is checked before anything is written, and every byte that comes out is counted whatever the headers say.
"""

import errno
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import visible
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.store.atomic import state_error

__all__ = ["unpack"]

_CHUNK = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_RUBBISH = ("__MACOSX", ".DS_Store", "Thumbs.db")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class _Unfit(Exception):
    """The archive turns out to be something else while it is read."""

    def __init__(self, found: Finding) -> None:
        super().__init__(found.what)
        self.finding = found


def unpack(archive: Path, target: Path, limits: Limits) -> list[Finding]:
    """Unpack a zip archive into the new folder `target`; findings, and then an unfinished folder, if it is unfit.

    Raises StateError when the disk has no room for it.
    """
    try:
        if archive.stat().st_size > 2 * limits.artifact_bytes:
            return [_large(archive.name, f"the archive has more than {2 * limits.artifact_bytes} bytes")]
        with zipfile.ZipFile(archive) as file:
            members = [m for m in file.infolist() if not _is_rubbish(m.filename)]
            found = list(_check(members, limits))
            if not found:
                _write(file, members, target, limits)
            return found
    except _Unfit as unfit:
        return [unfit.finding]
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise state_error("unpack to", target, error) from error
        what = f"the archive cannot be read: {type(error).__name__}: {error}"
        return [finding("import.archive", what, where=archive.name, fix="make it anew as a zip archive")]


def _is_rubbish(name: str) -> bool:
    return any(part in _RUBBISH for part in name.split("/"))


# ---- before anything is written


def _check(members: list[zipfile.ZipInfo], limits: Limits) -> Iterator[Finding]:
    if len(members) > limits.artifact_files:
        yield finding(
            "import.too-many",
            f"the archive has {len(members)} entries; {limits.artifact_files} are allowed",
            where="the archive",
            fix="leave out what the server does not need",
        )
        return
    taken: dict[str, str] = {}
    for member in members:
        yield from _name(member.orig_filename)
        yield from _kind(member)
        yield from _twice(member, taken)
    total = sum(m.file_size for m in members)
    if total > limits.artifact_bytes:
        yield _large("the archive", f"its files have {total} bytes; {limits.artifact_bytes} are allowed")


def _name(name: str) -> Iterator[Finding]:
    parts = PurePosixPath(name).parts
    if name.startswith(("/", "\\")) or name[1:2] == ":" or "\\" in name or ".." in parts:
        yield finding(
            "import.traversal",
            "the entry's name leads out of the archive",
            where=visible(name),
            fix="name entries by paths below the archive's root, with '/'",
        )
    elif not name or not parts or "\0" in name or "//" in name:
        yield finding("import.name", "the entry has no usable name", where=visible(name), fix="name it plainly")


def _kind(member: zipfile.ZipInfo) -> Iterator[Finding]:
    where = visible(member.orig_filename)
    mode = member.external_attr >> 16 if member.create_system == 3 else 0
    if stat.S_ISLNK(mode):
        yield finding("import.symlink", "the entry is a symbolic link", where=where, fix="put the file itself there")
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or mode & (stat.S_ISUID | stat.S_ISGID):
        yield finding("import.special", "the entry is a device, or runs as another user", where=where, fix="remove it")
    if member.flag_bits & 0x1:
        yield finding("import.encrypted", "the entry is encrypted", where=where, fix="make the archive without")
    elif member.compress_type not in _METHODS:
        what = f"the entry is compressed by method {member.compress_type}"
        yield finding("import.compression", what, where=where, fix="use deflate, or none")


def _twice(member: zipfile.ZipInfo, taken: dict[str, str]) -> Iterator[Finding]:
    """A second entry of one name, or a file where another entry needs a folder."""
    name = member.filename.rstrip("/")
    keys = [_plain(str(p)) for p in PurePosixPath(name).parents if str(p) != "."]
    clash = [taken[key] for key in keys if taken.get(key, "").startswith("file")]
    own = _plain(name)
    kind = "folder" if member.is_dir() else "file"
    if clash or (own in taken and not (kind == "folder" and taken[own] == "folder")):
        yield finding(
            "import.duplicate",
            "another entry has this name (letter case and accents aside)",
            where=visible(member.orig_filename),
            fix="keep one of them",
        )
    for key in keys:
        taken.setdefault(key, "folder")
    taken[own] = kind


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _large(where: str, what: str) -> Finding:
    return finding("import.too-large", what, where=visible(where), fix="leave out what the server does not need")


# ---- writing


def _write(file: zipfile.ZipFile, members: list[zipfile.ZipInfo], target: Path, limits: Limits) -> None:
    target.mkdir()
    left = limits.artifact_bytes
    for member in members:
        place = target / member.filename
        if member.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        left -= _write_one(file, member, place, min(left, limits.file_bytes))


def _write_one(file: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path, most: int) -> int:
    """Bytes written; raises _Unfit beyond `most`."""
    runs = member.create_system == 3 and member.external_attr >> 16 & 0o111
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o777 if runs else 0o666)
    size = 0
    with open(fd, "wb") as out, file.open(member) as data:
        while chunk := data.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise _Unfit(_large(member.filename, f"more than {most} bytes come out of the entry"))
            out.write(chunk)
    return size
