"""The processes in a room: who belongs to the server, and who has left its family."""

from pathlib import Path
from typing import NamedTuple

from harnessgym_mcp.proc.processes import Process, descendants, find_variable, read_process
from harnessgym_mcp.proc.tags import TAG

__all__ = ["Member", "family", "runaways"]


class Member(NamedTuple):
    """One process of a room; `inner` is its pid in its own namespace."""

    pid: int
    parent: int
    started: int
    name: str
    inner: int


def family(leader: int, tag: str) -> list[Member]:
    """`leader`, everything below it, and whatever else bears the tag."""
    found: dict[int, Process] = {p.pid: p for p in descendants(leader)}
    for pid in (leader, *_tagged(tag)):
        if pid not in found and (process := read_process(pid)):
            found[pid] = process
            found.update({p.pid: p for p in descendants(pid)})
    return [Member(p.pid, p.parent, p.started, *_status(p.pid)) for p in found.values()]


def _tagged(tag: str) -> list[int]:
    return [pid for pid, value in find_variable(TAG) if value == tag] if tag else []


def runaways(members: list[Member], leader: int, wrapped: bool) -> list[Member]:
    """Daemons: those that init or the sandbox's keeper had to adopt, and those that are nobody's in the room.

    In a pid namespace the keeper is inner pid 1, elsewhere the leader; its first child is the server itself.
    """
    pids = {m.pid for m in members}
    lost = [m for m in members if m.parent not in pids and m.pid != leader]
    if not wrapped:
        return lost
    keeper = next((m.pid for m in members if m.inner == 1 and m.pid != leader), leader)
    adopted = sorted((m for m in members if m.parent == keeper), key=lambda m: (m.started, m.inner))
    return lost + adopted[1:]


def _status(pid: int) -> tuple[str, int]:
    """`(name, pid in its own namespace)`."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "?", 0
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return fields.get("Name", "?").strip(), int(fields.get("NSpid", "0").split()[-1])
