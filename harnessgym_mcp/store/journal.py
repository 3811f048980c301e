"""The journal: where ended calls are kept from the moment they end until they are rows of the telemetry file.

One file for each front, `<home>/journal/<prefix>.calls`, appended to by that front alone, which holds a lock on it
while it lives. It is a sequence of blocks: the length of what follows (four bytes, little-endian), then in MessagePack
the number of the first call and the calls, what they have in common told once. An id is made of the prefix and the
number, so that calls taken in twice are still one row each. A front that was killed leaves its file, without the lock,
to whoever looks next.
"""

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harnessgym_mcp.core.events import Ended
from harnessgym_mcp.errors import CorruptError, StateError
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.calls_table import harmless

__all__ = ["Block", "DamagedJournalError", "Journal", "any_journals", "encoded", "left_behind"]

_SUFFIX = ".calls"
_LENGTH = 4  # bytes before a block
_MOST = 1 << 28  # bytes of a block; a longer one is damage

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, Ended]).decode


class DamagedJournalError(CorruptError):
    """A journal holds what no front has written."""


class Block(NamedTuple):
    """Calls that were put down together. `end` is where the next block begins."""

    prefix: str
    first: int  # the number of the first
    ended: Ended
    end: int

    def ids(self) -> Iterator[str]:
        """An id for each call: ascending, so that each is put at the end of an index."""
        return (f"{self.prefix}-{number:08x}" for number in count(self.first))


class Journal:
    """One journal file; `size` is that of what was put down since it was last empty, in bytes."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.size = 0
        self._fd = fd
        self._read = 0  # up to where it has been taken in

    @classmethod
    def new(cls, folder: Path) -> "Journal":
        """A fresh one of our own. Raises StateError."""
        # which moment and, by chance, whose: no other process or machine makes the same
        path = folder / f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(6)}{_SUFFIX}"
        try:
            folder.mkdir(exist_ok=True)
            if folder.is_symlink():
                raise StateError(f"{str(folder)!r} is a symbolic link", hint="replace it by a folder")
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
            except OSError:
                os.close(fd)
                raise
        except OSError as error:
            raise state_error("write", path, error) from error
        if _is_at(fd, path):
            return cls(path, fd)
        os.close(fd)  # somebody looked for what was left behind, in the moment before it was locked, and removed it
        return cls.new(folder)

    def append(self, blocks: Sequence[bytes]) -> None:
        """Put down what `encoded` has made, all or none. Raises StateError."""
        parts = [part for block in blocks for part in (len(block).to_bytes(_LENGTH, "little"), block)]
        size = sum(map(len, parts))
        try:
            if os.pwritev(self._fd, parts, self.size) < size:
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self.size)
            raise state_error("write", self.path, error) from error
        self.size += size

    def blocks(self) -> Iterator[Block]:
        """What has not been taken in; a last block that is not whole, as a kill leaves it, is passed over. Raises
        DamagedJournalError, OSError."""
        at = self._read
        while length := int.from_bytes(os.pread(self._fd, _LENGTH, at), "little"):
            at += _LENGTH
            if length > _MOST:
                raise DamagedJournalError(f"{self.path.name} is no journal")
            body = os.pread(self._fd, length, at)
            at += length
            if len(body) < length:
                return
            try:
                first, ended = _decode(body)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise DamagedJournalError(f"{self.path.name} is no journal: {error}") from error
            yield Block(self.path.stem, first, ended, at)

    def taken_in(self, block: Block) -> None:
        """The calls up to the end of this block are in the table."""
        self._read = block.end

    def forget(self) -> None:
        """Let go of all that is in it."""
        os.ftruncate(self._fd, 0)
        self._read = self.size = 0

    def close(self, *, remove: bool) -> None:
        if remove:
            with suppress(OSError):
                self.path.unlink()
        os.close(self._fd)


def any_journals(folder: Path) -> bool:
    """Is there any, of a front that lives or not?"""
    return bool(_paths(folder))


def left_behind(folder: Path) -> Iterator[Journal]:
    """The journals whose fronts have ended, each locked for us until it is closed."""
    for path in _paths(folder):
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = _is_at(fd, path) and stat.S_ISREG(os.fstat(fd).st_mode)
        except OSError:
            free = False
        if free:
            yield Journal(path, fd)
        else:
            os.close(fd)


def _paths(folder: Path) -> list[Path]:
    """Oldest first."""
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(_SUFFIX))
    except OSError:
        return []


def _is_at(fd: int, path: Path) -> bool:
    """Is it still this file that has the name?"""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def encoded(first: int, ended: Ended) -> bytes:
    """A block: calls that are numbered from `first` on."""
    try:
        return _encode((first, ended))
    except (UnicodeError, OverflowError, ValueError, TypeError):
        return _encode((first, _harmless(ended)))  # one hostile value must not hold up the others


def _harmless(value: Any) -> Any:
    """The same without what neither MessagePack nor SQLite can hold."""
    return [_harmless(each) for each in value] if isinstance(value, tuple | list) else harmless(value)
