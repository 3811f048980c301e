"""What every tier gives a process alike: its environment, and its bounds as a shell prelude."""

import os
import resource
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.tags import TAG

__all__ = [
    "anonymous_file",
    "bounded_processes",
    "checked",
    "environment",
    "limits",
    "outer_environment",
    "prelude",
]

_LOADERS = ("LD_", "DYLD_", "GLIBC_", "MALLOC_")  # beginnings of names that change any program's loading
_RESERVED = frozenset({"PATH", "HOME", "TMPDIR", "BASH_ENV", "ENV", "GCONV_PATH", TAG})


def _may_set(name: str) -> bool:
    """May a manifest or a grant set this variable? Not those that decide which code a program loads."""
    return name.isidentifier() and name not in _RESERVED and not name.startswith(_LOADERS)


def checked(words: Iterable[str]) -> list[str]:
    """The same words. Raises IsolationError for one that no command line can hold.

    A NUL would end a word early, and what follows it would be read as an option of the sandbox.
    """
    kept = list(words)
    for word in kept:
        try:
            whole = b"\0" not in os.fsencode(word)
        except UnicodeEncodeError:
            whole = False
        if not whole:
            raise IsolationError(f"{one_line(word, 80)!r} holds a character that no command line can", hint="remove it")
    return kept


def environment(room: Room, paths: Mapping[str, str], home: str, tmp: str, path: Iterable[str]) -> dict[str, str]:
    """The whole environment inside: nothing of the caller's own is in it. Raises IsolationError as `checked` does."""
    guise = room.guise
    fixed = {
        "PATH": ":".join(dict.fromkeys([*room.path_first, *path])),
        "HOME": home,
        "TMPDIR": tmp,
        "TZ": guise.timezone,
        "LANG": guise.language,
        "USER": "tool",
        "LOGNAME": "tool",
        "PYTHONHASHSEED": guise.hash_seed,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "GIT_CONFIG_NOSYSTEM": "1",  # /etc/gitconfig may hold credentials; git stops when it may not read it
        "NO_COLOR": "1",
        "HARNESSGYM": "1",
    }
    wanted = {k: v for k, v in room.env.items() if _may_set(k)}
    whole = {**fixed, **wanted, **paths}
    checked(whole.values())
    return whole


def outer_environment(tag: str) -> dict[str, str]:
    """For the programs that build the sandbox: nothing that an artifact could have chosen."""
    return {"PATH": "/usr/bin:/bin", TAG: tag}


def anonymous_file(content: bytes) -> int:
    """The descriptor of a rewound file without a name: what is in it shows in no process list. Linux alone."""
    fd = os.memfd_create("harness", 0)
    try:
        os.write(fd, content)
        os.lseek(fd, 0, os.SEEK_SET)
    except OSError:
        os.close(fd)
        raise
    return fd


def prelude(bounds: Bounds, groups: Sequence[Path] = ()) -> list[str]:
    """`sh -c ... sh`, to be followed by the command: joins the control groups, sets the limits, becomes the command.

    A shell starts in 1 ms where a second interpreter would take 12.
    """
    blocks = {"FSIZE": 512}  # POSIX shells count a file's size in blocks
    lines = [f"{{ echo 0 >{shlex.quote(str(group / 'cgroup.procs'))}; }} 2>/dev/null" for group in groups]
    lines += [f"ulimit -{_LETTERS[name]} {value // blocks.get(name, 1)}" for name, value in limits(bounds).items()]
    return ["/bin/sh", "-c", "; ".join([*lines, 'exec "$@"']), "sh"]


def bounded_processes(bounds: Bounds, groups: Sequence[Path]) -> list[str]:
    """A second shell, for inside a user namespace, where the kernel counts the processes of that namespace alone.

    Not needed where a control group counts, and without effect when root runs us. Shells differ in the letter.
    """
    if groups or os.geteuid() == 0:
        return []
    limit = f"ulimit -u {bounds.tasks} 2>/dev/null || ulimit -p {bounds.tasks} 2>/dev/null"
    return ["/bin/sh", "-c", f'{limit}; exec "$@"', "sh"]


_LETTERS = {"CORE": "c", "FSIZE": "f", "NOFILE": "n", "CPU": "t"}


def limits(bounds: Bounds) -> dict[str, int]:
    """Each process's limits by their RLIMIT names; never above what we have ourselves."""
    wanted = {
        "CORE": 0,
        "FSIZE": bounds.file_mb << 20,
        "NOFILE": bounds.open_files,
        "CPU": bounds.cpu_seconds,
    }
    return {name: _within(getattr(resource, f"RLIMIT_{name}"), value) for name, value in wanted.items()}


def _within(kind: int, wanted: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
