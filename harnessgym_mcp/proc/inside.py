"""What every tier gives a process alike: its environment, its bounds as a shell prelude, its tag."""

import os
import resource
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harnessgym_mcp.proc.sandbox import Bounds, Room

__all__ = ["TAG", "environment", "may_set", "new_tag", "outer_environment", "prelude", "start_time"]

TAG = "HARNESSGYM_TAG"
_LOADERS = ("LD_", "DYLD_", "GLIBC_", "MALLOC_")  # beginnings of names that change any program's loading
_RESERVED = frozenset({"PATH", "HOME", "TMPDIR", "BASH_ENV", "ENV", "GCONV_PATH", TAG})


def may_set(name: str) -> bool:
    """May a manifest or a grant set this variable? Not those that decide which code a program loads."""
    return name.isidentifier() and name not in _RESERVED and not name.startswith(_LOADERS)


def environment(room: Room, paths: Mapping[str, str], home: str, tmp: str, path: Iterable[str]) -> dict[str, str]:
    """The whole environment inside: nothing of the caller's own is in it."""
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
        "NO_COLOR": "1",
        "HARNESSGYM": "1",
    }
    wanted = {k: v for k, v in room.env.items() if may_set(k)}
    return {**fixed, **wanted, **paths}


def outer_environment(tag: str) -> dict[str, str]:
    """For the programs that build the sandbox: nothing that an artifact could have chosen."""
    return {"PATH": "/usr/bin:/bin", TAG: tag}


def new_tag() -> str:
    """`<front's pid>.<front's start time in clock ticks>.<random>`: tells later whether the front still lives."""
    pid = os.getpid()
    return f"{pid}.{start_time(pid)}.{os.urandom(8).hex()}"


def start_time(pid: int) -> int:
    """Clock ticks after boot at which the process started; 0 where there is no such process or no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(stat.rpartition(b")")[2].split()[19])


def prelude(bounds: Bounds, groups: Sequence[Path] = ()) -> list[str]:
    """`sh -c ... sh`, to be followed by the command: joins the control groups, sets the limits, becomes the command.

    A shell starts in 1 ms where a second interpreter would take 12.
    """
    lines = [f"echo 0 >{shlex.quote(str(group / 'cgroup.procs'))}" for group in groups]
    lines += [f"ulimit -{letter} {value}" for letter, value in _ulimits(bounds)]
    return ["/bin/sh", "-c", "; ".join([*lines, 'exec "$@"']), "sh"]


def _ulimits(bounds: Bounds) -> list[tuple[str, int]]:
    """Letters of POSIX shells' `ulimit`; files are counted in blocks of 512 bytes. Never above what we have."""
    return [
        ("c", 0),
        ("f", _within(resource.RLIMIT_FSIZE, bounds.file_mb << 20) >> 9),
        ("n", _within(resource.RLIMIT_NOFILE, bounds.open_files)),
        ("t", _within(resource.RLIMIT_CPU, bounds.cpu_seconds)),
    ]


def _within(kind: int, wanted: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
