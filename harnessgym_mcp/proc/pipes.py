"""The pipes of a child process: made here rather than by the event loop, which would take sockets of 200 KB."""

import contextlib
import fcntl
import os
from typing import NamedTuple

__all__ = ["End", "Pipes", "widen"]

_PIPE_BYTES = 1 << 20


class Pipes(NamedTuple):
    """Descriptors. The child's ends are to be closed once it has them."""

    child: tuple[int, int, int]  # its stdin, stdout, stderr
    ours: tuple[int, int, int]  # to write to, to read from, to read from

    @classmethod
    def new(cls) -> "Pipes":
        """Raises OSError."""
        made: list[int] = []
        try:
            for _ in range(3):
                made += os.pipe()
        except OSError:
            _close(made)
            raise
        widen(made[2])
        return cls((made[0], made[3], made[5]), (made[1], made[2], made[4]))

    def close_child(self) -> None:
        _close(self.child)


class End:
    """Our end of a pipe, as an event loop's transport takes it: closed once.

    uvloop's transports let the C library close the descriptor and close the file object after that, which is to fail.
    In the moment between, another thread may have been given the number, and it would be its file that is closed: a
    database's, say.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._file: os.stat_result | None = os.fstat(descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        """Idempotent; nothing where the number means another file by now."""
        file, self._file = self._file, None
        with contextlib.suppress(OSError):  # the number means no file at all
            if file and os.path.samestat(os.fstat(self._descriptor), file):
                os.close(self._descriptor)


def widen(descriptor: int) -> None:
    """A pipe that holds a whole large frame saves a change of process for every 64 KiB of it."""
    set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        with contextlib.suppress(OSError):  # no pipe, or more than this user may have
            fcntl.fcntl(descriptor, set_size, _PIPE_BYTES)


def _close(descriptors: tuple[int, ...] | list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
