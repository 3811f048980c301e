"""Bounds that the kernel does not keep for us, kept by looking: the memory, processes and disk of a whole server.

One thread looks at all watched servers in turn. A look costs some tens of microseconds for each of their processes.
"""

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.leftovers import is_group, kill_members
from harnessgym_mcp.proc.processes import Process, children, descendants, proportional_memory, read_process
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.sandbox import Prepared

__all__ = ["Watch", "Watchdog"]

_MIB = 1 << 20
_DISK_EVERY = 20  # looks: walking a folder costs more than reading a few counters


@dataclass(slots=True, eq=False)
class Watch:
    """One server under watch. `breach` says in words which bound it broke, "" while it keeps them."""

    pid: int
    tag: str
    bounds: Bounds
    folders: tuple[tuple[Path, int], ...]  # each with the most bytes it may hold
    groups: tuple[Path, ...] = ()  # control groups that it is in
    breach: str = ""
    peak_memory: int = 0  # bytes
    peak_processes: int = 0
    ended: threading.Event = field(default_factory=threading.Event)  # set when the watch is over
    looked: threading.Event = field(default_factory=threading.Event)  # set by each look
    looks: int = 0


class Watchdog:
    """Ends a server that breaks its bounds. `pace` is the time between two looks, in seconds."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._watches: list[Watch] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def watch(self, pid: int, prepared: Prepared, room: Room | None = None) -> Watch:
        """From any thread. `pid` is a child of ours that has not been waited for; `room`, where it differs from the
        one it was prepared for."""
        room = room or prepared.room
        if room is None:
            raise ValueError("a server without a room has no bounds")
        folders = ((room.data, room.bounds.data_mb * _MIB), *_private(prepared, room.bounds))
        groups = tuple(filter(is_group, prepared.leftovers))
        watch = Watch(pid, prepared.tag, room.bounds, folders, groups)
        with self._changed:
            self._watches.append(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
            self._changed.notify()
        return watch

    def forget(self, watch: Watch) -> None:
        """Before its process is waited for. Idempotent."""
        with self._changed:
            if watch in self._watches:
                self._watches.remove(watch)
        watch.ended.set()

    def close(self) -> None:
        """Forget all, and end the thread. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            for watch in list(self._watches):
                if not _look(watch):
                    self.forget(watch)

    def _wait(self) -> bool:
        """Until the next look, or for ever while there is nothing to look at; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._watches))
            self._changed.wait_for(lambda: self._closed, timeout=self._pace)
            return not self._closed


def _private(prepared: Prepared, bounds: Bounds) -> Iterator[tuple[Path, int]]:
    """Where /tmp and the home are ordinary folders, nothing else bounds them."""
    for folder in prepared.leftovers:
        if not is_group(folder):
            yield folder, bounds.tmp_mb * _MIB


def _look(watch: Watch) -> bool:
    """False when there is nothing more to watch."""
    if read_process(watch.pid) is None:
        return False
    watch.breach = _crowd(watch) or _breach(watch, _tree(watch.pid))
    if watch.breach:
        for group in watch.groups:
            kill_members(group)
        kill_all(watch.pid, watch.tag)
    watch.looks += 1
    watch.looked.set()
    return not watch.breach


def _crowd(watch: Watch) -> str:
    """The kernel's own count first: a walk through a crowd that takes all the processor's time takes too long."""
    for group in watch.groups:
        tasks, most = _number(group / "pids.current"), _number(group / "pids.max")
        if 0 < most <= tasks:
            return f"it had {tasks} processes and threads, {most} are allowed"
    return ""


def _number(file: Path) -> int:
    """0 where there is no such file, or no number in it."""
    try:
        return int(file.read_bytes())
    except (OSError, ValueError):
        return 0


def _tree(pid: int) -> list[Process]:
    root = read_process(pid)
    if root is None:
        return []
    found, queue = [root], [pid]
    try:
        for each in queue:
            below = [process for process in map(read_process, children(each)) if process]
            found += below
            queue += [process.pid for process in below]
    except OSError:  # one ended while we looked, or the kernel keeps no such lists
        return [root, *descendants(pid)]
    return found


def _breach(watch: Watch, processes: list[Process]) -> str:
    bounds = watch.bounds
    memory = sum(process.memory for process in processes)
    if memory > bounds.memory_mb * _MIB:  # forked processes share most of theirs: now count exactly
        memory = sum(proportional_memory(process.pid) or process.memory for process in processes)
    watch.peak_memory = max(watch.peak_memory, memory)
    watch.peak_processes = max(watch.peak_processes, len(processes))
    if memory > bounds.memory_mb * _MIB:
        return f"it used {memory // _MIB} MB of memory, {bounds.memory_mb} are allowed"
    if len(processes) > bounds.processes:
        return f"it had {len(processes)} processes, {bounds.processes} are allowed"
    return _disk_breach(watch.folders) if watch.looks % _DISK_EVERY == 0 else ""


def _disk_breach(folders: Iterable[tuple[Path, int]]) -> str:
    for folder, most in folders:
        if (used := _disk_use(folder, most)) > most:
            return f"it wrote {used // _MIB} MB to {folder.name}, {most // _MIB} are allowed"
    return ""


def _disk_use(folder: Path, most: int) -> int:
    """Bytes on disk; stops counting above `most`."""
    used, folders = 0, [os.fspath(folder)]
    while folders and used <= most:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    used += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # nested so deep that nobody could count it: that is a breach too
                return most + 1
    return used
