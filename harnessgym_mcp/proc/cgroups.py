"""Control groups: the kernel's own bounds on memory and processes, where we may make one. Linux, version 1 or 2.

Version 2 needs a delegated subtree (a systemd user session has one); version 1 needs root. Elsewhere a `Watchdog`
counts instead.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.leftovers import remove_leftover
from harnessgym_mcp.proc.room import Bounds
from harnessgym_mcp.proc.scratch import PREFIX

__all__ = ["ControlGroups", "find_parents", "leftover_groups", "usable_groups", "was_joined"]

_MOUNT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids")
_PEAKS = ("memory.peak", "memory.max_usage_in_bytes")


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """`parents` are the folders below which groups can be made: one (version 2), or one for each controller (1)."""

    parents: tuple[Path, ...]

    def make(self, tag: str, bounds: Bounds) -> tuple[Path, ...]:
        """The groups of one start, for it to join; none when the kernel refuses."""
        groups = tuple(parent / (PREFIX + tag) for parent in self.parents)
        try:
            for group in groups:
                group.mkdir()
                _set(group, bounds)
        except OSError:
            for group in groups:
                remove_leftover(group)
            return ()
        return groups


def _set(group: Path, bounds: Bounds) -> None:
    memory = bounds.memory_mb << 20
    settings = {
        "memory.max": memory,
        "memory.swap.max": 0,
        "memory.limit_in_bytes": memory,
        "memory.memsw.limit_in_bytes": memory,  # with swap, set after the one without
        "pids.max": bounds.tasks,
    }
    for name, value in settings.items():
        with contextlib.suppress(FileNotFoundError):  # the other version's, or a controller of another group
            file = os.open(group / name, os.O_WRONLY)
            try:
                os.write(file, str(value).encode())
            finally:
                os.close(file)


@cache
def _control_groups() -> ControlGroups | None:
    """None where no group can be made. Whether one can be joined, only a probe tells."""
    try:
        own = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    parents = find_parents(_MOUNT, own)
    return ControlGroups(parents) if parents else None


def find_parents(mount: Path, own: str) -> tuple[Path, ...]:
    """From the text of /proc/self/cgroup; () when memory and processes cannot both be bounded by us."""
    paths = {names: path for _, names, path in (line.split(":", 2) for line in own.splitlines())}
    if (mount / "cgroup.controllers").exists():
        return _second_version(mount, paths.get("", "/"))
    return _first_version(mount, paths)


def _second_version(mount: Path, own: str) -> tuple[Path, ...]:
    """A sibling of our own group: below our own the kernel allows none while we are in it."""
    parent = mount / own.strip("/")
    parent = parent if parent == mount else parent.parent
    with contextlib.suppress(OSError):
        enabled = (parent / "cgroup.subtree_control").read_text().split()
        if set(_CONTROLLERS) <= set(enabled) and os.access(parent, os.W_OK):
            return (parent,)
    return ()


def _first_version(mount: Path, paths: dict[str, str]) -> tuple[Path, ...]:
    by_controller = {name: path for names, path in paths.items() for name in names.split(",")}
    parents = tuple(mount / name / by_controller.get(name, "/").strip("/") for name in _CONTROLLERS)
    return parents if all(os.access(parent, os.W_OK) for parent in parents) else ()


def was_joined(leftovers: tuple[Path, ...]) -> bool:
    """Has a process ever been counted in the groups among these?"""
    return any(_peak(folder / name) > 0 for folder in leftovers for name in _PEAKS)


def _peak(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def usable_groups(report: IsolationReport | None) -> ControlGroups | None:
    """For a sandbox being probed, whatever can be made; for a known one, only what the probe saw at work."""
    return _control_groups() if report is None or report.in_force.get("bounded_by_kernel") else None


def leftover_groups() -> Iterator[tuple[str, Path]]:
    """`(tag, folder)` of every group of ours."""
    found = _control_groups()
    for parent in found.parents if found else ():
        for group in parent.glob(f"{PREFIX}*"):
            yield group.name.removeprefix(PREFIX), group
