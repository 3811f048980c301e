"""Files that are entirely old or entirely new: atomic writes, advisory locks, damaged files set aside.

`Step` is the seam for fault injection: every function that changes the disk in several steps calls it with the name
of the step just done; the ordinary one does nothing, a test's may end the process there.
"""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harnessgym_mcp.errors import LockedError, StateError

__all__ = [
    "Step",
    "free_name",
    "fsync_dir",
    "locked",
    "no_step",
    "remove_partial",
    "set_aside",
    "state_error",
    "utc_stamp",
    "write_atomic",
]

Step = Callable[[str], None]

_PARTIAL = ".partial-"


def no_step(name: str) -> None:
    """The ordinary step: go on."""


def state_error(doing: str, path: Path, error: OSError) -> StateError:
    """An OSError as a StateError that names the file and says what may help."""
    hints = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "the disk quota is used up: free some space",
        errno.EROFS: "the file system is read-only: use --home and --state with a writable folder",
        errno.EACCES: "check the folder's owner and permissions, or use --home and --state",
        errno.EPERM: "check the folder's owner and permissions, or use --home and --state",
        errno.ENOLCK: "the file system has no locks: use --home and --state on a local disk",
    }
    hint = hints.get(error.errno or 0, "check that the folder exists and can be written, or use --home and --state")
    return StateError(f"cannot {doing} {str(path)!r}: {error.strerror or error}", hint=hint)


def fsync_dir(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o666, step: Step = no_step) -> None:
    """Replace a file's whole content durably: other processes see the old or the new bytes, never a part.

    `mode` is cut by the umask. Raises StateError (the old file is untouched then).
    """
    partial = path.with_name(f".{path.name}{_PARTIAL}{secrets.token_hex(6)}")
    try:
        _write_new(partial, data, mode)
        step("written")
        os.replace(partial, path)
        step("replaced")
        fsync_dir(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise state_error("write", path, error) from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)


def remove_partial(path: Path) -> int:
    """Remove what killed writers of this file left behind; call it only while holding the lock that writers hold."""
    found = list(path.parent.glob(f".{path.name}{_PARTIAL}*"))
    for partial in found:
        partial.unlink(missing_ok=True)
    return len(found)


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock between processes and threads (flock on `path`, which stays there for ever).

    Raises LockedError when it is not free within `timeout` seconds, StateError when it cannot be had at all.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise state_error("lock", path, error) from error
    try:
        _flock(fd, path, time.monotonic() + timeout)
        yield
    finally:
        os.close(fd)


def _flock(fd: int, path: Path, deadline: float) -> None:
    pause = 0.0005
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        except OSError as error:
            raise state_error("lock", path, error) from error
        if time.monotonic() + pause > deadline:
            raise LockedError(f"another process holds {str(path)!r}", hint="try again when it is done")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def utc_stamp() -> str:
    """Now, as `YYYYmmddTHHMMSSZ`."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def free_name(path: Path) -> Path:
    """`path`, or the first of `path-2`, `path-3`, ... that nothing is called."""
    taken, number = path, 1
    while os.path.lexists(taken):
        number += 1
        taken = path.with_name(f"{path.name}-{number}")
    return taken


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder to `<name>.corrupt-<UTC stamp>`; gives its new path."""
    aside = free_name(path.with_name(f"{path.name}.corrupt-{utc_stamp()}"))
    try:
        os.rename(path, aside)
    except OSError as error:
        raise state_error("set aside", path, error) from error
    return aside
