"""Ending a server with all its processes.

A process that starts a session of its own leaves its group. Tier A ends it with its pid namespace, tier B's launcher
as its adopted child; here it is found by descent and by its tag.
"""

import contextlib
import os
import signal

from harnessgym_mcp.proc.processes import descendants, find_variable, start_time
from harnessgym_mcp.proc.tags import TAG

__all__ = ["kill_all", "kill_tagged"]


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


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _send_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
