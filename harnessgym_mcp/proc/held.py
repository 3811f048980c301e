"""Temporary folders whose maker may be killed: it holds a lock on the folder, and the next maker removes what nobody
holds any more.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from harnessgym_mcp.proc.leftovers import remove_leftover

__all__ = ["HeldFolder"]

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class HeldFolder:
    """A private folder, there until `close` or until its process has died and another of the same prefix is made."""

    path: Path
    _fd: int

    @classmethod
    def make(cls, prefix: str) -> "HeldFolder":
        """Remove the abandoned ones of this prefix, and make a new one. Raises OSError."""
        for folder in _of_ours(prefix):
            _remove_abandoned(folder)
        while True:
            path = Path(tempfile.mkdtemp(prefix=prefix))
            with suppress(FileNotFoundError):  # another maker may take it for abandoned before we hold it: once more
                fd = os.open(path, _OPEN)
                fcntl.flock(fd, fcntl.LOCK_EX)
                if path.exists():
                    return cls(path, fd)
                os.close(fd)

    def close(self) -> None:
        """Remove the folder and all in it. Never raises."""
        remove_leftover(self.path)
        os.close(self._fd)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _of_ours(prefix: str) -> Iterator[Path]:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                yield folder


def _remove_abandoned(folder: Path) -> None:
    with suppress(OSError):  # held, or gone already
        fd = os.open(folder, _OPEN)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_leftover(folder)
        finally:
            os.close(fd)
