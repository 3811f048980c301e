"""Ending a server with all its processes.

A process that starts a session of its own leaves its group. Tier A ends it with its pid namespace, tier B's launcher
as its adopted child; here it is found by descent and by its tag.
"""

import contextlib
import os
import select
import signal
import time

from harnessgym_mcp.proc.processes import descendants, find_variable, start_time
from harnessgym_mcp.proc.tags import TAG

__all__ = ["end_group", "kill_all", "kill_tagged", "wait_ended"]


def end_group(pid: int, grace: float, tag: str = "", *, wrapped: bool = False) -> bool:
    """SIGTERM, up to `grace` seconds, then SIGKILL to all that is left of the server anywhere.

    `pid` must be a child of ours that has not been waited for yet: until then its number cannot be another's. Blocks;
    call it in a worker thread where there is an event loop. True when the leader ended within the grace.
    """
    if wrapped:  # the keeper would die of it at once, and the server with the keeper
        for process in descendants(pid):
            _send(process.pid, signal.SIGTERM)
    else:
        _send_group(pid, signal.SIGTERM)
    ended = wait_ended(pid, grace)
    kill_all(pid, tag)
    return ended


def kill_all(pid: int, tag: str = "") -> int:
    """SIGKILL to the group, all its descendants and all that carry the tag; gives how many were found.

    The group goes first: with a keeper, its whole namespace ends at once, and no fork bomb takes the time to look.
    Of the rest all are stopped before any is killed: a process cannot fork faster than it is found.
    """
    known = _family({pid}, "")  # without the tag: environments of processes that fork cannot be read quickly
    _send_group(pid, signal.SIGKILL)
    return len(known | _kill(known, tag))


def kill_tagged(tag: str) -> int:
    """SIGKILL to all that carry the tag, and their descendants."""
    return len(_kill(set(), tag)) if tag else 0


def _kill(roots: set[int], tag: str) -> set[int]:
    found: set[int] = set()
    while fresh := _family(roots, tag) - found:
        for each in fresh:
            _send(each, signal.SIGSTOP)
        found |= fresh
    for each in found:
        _send(each, signal.SIGKILL)
    return found


def _family(roots: set[int], tag: str) -> set[int]:
    tagged = {pid for pid, value in find_variable(TAG) if value == tag} if tag else set()
    heads = {pid for pid in roots | tagged if start_time(pid)}
    return (heads | {process.pid for process in descendants(*heads)}) - {os.getpid()}


def wait_ended(pid: int, seconds: float) -> bool:
    """Has our child ended within this time? It is left for its owner to wait for."""
    if hasattr(os, "pidfd_open"):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return bool(poll.poll(max(0, seconds) * 1000))
        finally:
            os.close(fd)
    return _wait_by_asking(pid, time.monotonic() + seconds)


def _wait_by_asking(pid: int, deadline: float) -> bool:
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _send_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
