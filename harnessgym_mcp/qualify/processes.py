"""The processes in a room, seen through /proc."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Process", "inside", "runaways", "tagged"]


class Process(NamedTuple):
    """One process; `peak_kb` is the most memory it ever had resident, `inner` its pid in its own namespace."""

    pid: int
    parent: int
    session: int
    name: str
    peak_kb: int
    inner: int


def inside(leader: int, tag: str) -> list[Process]:
    """`leader` and everything below it, and whatever else bears the tag."""
    everything = {p.pid: p for p in _all()}
    found = {leader} & everything.keys()
    while more := {p.pid for p in everything.values() if p.parent in found} - found:
        found |= more
    return [everything[pid] for pid in sorted(found | (set(tagged(tag)) & everything.keys()))]


def tagged(tag: str) -> Iterator[int]:
    """Processes whose environment bears the tag; none for an empty tag."""
    wanted = f"HARNESSGYM_TAG={tag}".encode()
    for pid in _pids() if tag else ():
        try:
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                yield pid
        except OSError:
            continue


def runaways(processes: list[Process], leader: int) -> list[Process]:
    """Those that left the server's family: their parent is not in the room, or is its init and they are not the server.

    In a pid namespace, init is inner pid 1 and the server the first process below it.
    """
    pids = {p.pid for p in processes}
    init = next((p for p in processes if p.inner == 1 and p.pid != leader), None)
    if init is None:
        return [p for p in processes if p.parent not in pids and p.pid != leader]
    children = sorted((p for p in processes if p.parent == init.pid), key=lambda p: p.inner)
    return children[1:]


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _all() -> Iterator[Process]:
    for pid in _pids():
        try:
            yield _read(pid)
        except (OSError, ValueError, IndexError):
            continue  # it has ended


def _read(pid: int) -> Process:
    stat = Path(f"/proc/{pid}/stat").read_bytes()
    name = stat[stat.index(b"(") + 1 : stat.rindex(b")")].decode("utf-8", "replace")
    fields = stat[stat.rindex(b")") + 2 :].split()
    status = dict(line.split(b":", 1) for line in Path(f"/proc/{pid}/status").read_bytes().splitlines() if b":" in line)
    inner = int(status.get(b"NSpid", b"0").split()[-1])
    peak = int(status.get(b"VmHWM", b"0 kB").split()[0])
    return Process(pid, int(fields[1]), int(fields[3]), name, peak, inner)
