"""Reading the machine's process table: who descends from whom, who carries which variable, what they use.

Linux's /proc; on a system without it everything here is empty.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Process", "children", "descendants", "find_variable", "proportional_memory", "read_process", "start_time"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """One line of the table; `memory` is resident bytes, with shared pages counted in each that shares them."""

    pid: int
    parent: int
    memory: int
    started: int  # clock ticks after boot


def read_process(pid: int) -> Process | None:
    """None when there is no such process, or only what remains of it until its parent looks."""
    stat = _content(f"/proc/{pid}/stat")
    fields = stat.rpartition(b")")[2].split()  # a name may hold anything, a closing bracket too
    if len(fields) < 22 or fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[1]), int(fields[21]) * _PAGE, int(fields[19]))


def start_time(pid: int) -> int:
    """Clock ticks after boot at which the process started; 0 where there is none."""
    process = read_process(pid)
    return process.started if process else 0


def children(pid: int) -> Iterator[int]:
    """By the kernel's own lists: the cost is the size of the tree, not of the machine. Raises FileNotFoundError for a
    process that is gone or a kernel without them."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            yield from map(int, file.read().split())


def descendants(*pids: int) -> list[Process]:
    """All processes below any of these, they themselves left out, by one look at the table."""
    below: dict[int, list[Process]] = {}
    for process in filter(None, map(read_process, _numbers())):
        below.setdefault(process.parent, []).append(process)
    found = {process.pid: process for pid in pids for process in below.pop(pid, ())}
    queue = list(found)
    for pid in queue:
        fresh = below.pop(pid, [])
        found |= {process.pid: process for process in fresh}
        queue += [process.pid for process in fresh]
    return [process for pid, process in found.items() if pid not in pids]


def find_variable(name: str) -> Iterator[tuple[int, str]]:
    """`(pid, value)` of each process of ours that was started with this environment variable."""
    start = name.encode() + b"="
    for pid in _numbers():
        for entry in _content(f"/proc/{pid}/environ").split(b"\0"):
            if entry.startswith(start):
                yield pid, entry.removeprefix(start).decode(errors="replace")
                break


def proportional_memory(pid: int) -> int:
    """Bytes, with each shared page divided among those that share it; 0 where we may not look. Dear."""
    for line in _content(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _numbers() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
