"""The one seam to isolation: a `Sandbox` turns a command and a `Room` into what has to be spawned.

A sandbox spawns nothing itself, so that mounts, qualification and commands each keep their own way of running a
process. The same tier serves qualification and live mounts.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.core.verdict import IsolationReport

__all__ = ["Bind", "Bounds", "Guise", "Prepared", "Room", "Sandbox"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one server and all its children may use together, as far as the tier can count them so."""

    memory_mb: int
    processes: int
    file_mb: int
    open_files: int
    cpu_seconds: int
    tmp_mb: int
    data_mb: int

    @property
    def tasks(self) -> int:
        """Processes and threads together, which is what the kernel counts."""
        return self.processes * 2

    @classmethod
    def of(cls, policy: Isolation, memory_mb: int | None = None) -> "Bounds":
        """Policy's bounds; a manifest may ask for less memory, never for more."""
        memory = min(policy.memory_mb, memory_mb or policy.memory_mb)
        rest = (policy.processes, policy.file_mb, policy.open_files, policy.cpu_seconds, policy.tmp_mb, policy.data_mb)
        return cls(memory, *rest)


@dataclass(frozen=True, slots=True)
class Bind:
    """One more thing that is visible inside: `source` outside, `target` inside (tier A; elsewhere at its own path)."""

    source: Path
    target: str
    write: bool = False


@dataclass(frozen=True, slots=True)
class Guise:
    """What must not matter to an honest server and differs from room to room at qualification."""

    prefix: str = "/srv/harness"  # where the artifact appears inside (tier A)
    home: str = "/home/tool"
    timezone: str = "UTC"
    language: str = "C.UTF-8"
    hash_seed: str = "0"


@dataclass(frozen=True, slots=True)
class Room:
    """Where one process will live. All paths are outside paths."""

    root: Path  # the artifact's tree, seen read-only
    data: Path  # its writable folder
    bounds: Bounds
    workspace: Path | None = None  # visible at its own path
    workspace_write: bool = False
    binds: tuple[Bind, ...] = ()  # environments and the like
    env: Mapping[str, str] = field(default_factory=dict)  # on top of the scrubbed environment
    network: bool = False
    guise: Guise = Guise()
    path_first: tuple[str, ...] = ()  # inside folders put in front of PATH


@dataclass(slots=True)
class Prepared:
    """What to spawn: `argv` with exactly `env`, from `cwd`, inheriting `pass_fds`.

    Spawn it with `start_new_session=True` and from the main thread (the parent-death signal is bound to the thread),
    call `release` once it is spawned, and `close` once it has ended.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    pass_fds: tuple[int, ...] = ()
    tag: str = ""  # value of HARNESSGYM_TAG in the processes' environment, by which survivors are found
    leftovers: tuple[Path, ...] = ()  # private folders and control groups of this one start
    room: Room | None = None  # where it will live
    wrapped: bool = False  # is what is spawned a keeper of the server, to which a polite signal means nothing?

    def release(self) -> None:
        """Close this side of the inherited descriptors. Idempotent."""
        for fd in self.pass_fds:
            os.close(fd)
        self.pass_fds = ()

    def close(self) -> None:
        """Release, end whoever still carries the tag, and remove what this one start needed. Idempotent; blocks for
        some milliseconds. What cannot be removed now is swept at a later start."""
        from harnessgym_mcp.proc.groups import kill_tagged
        from harnessgym_mcp.proc.leftovers import remove_leftover

        self.release()
        kill_tagged(self.tag)
        for folder in self.leftovers:
            remove_leftover(folder)
        self.leftovers = ()


class Sandbox(Protocol):
    """One isolation tier, probed and ready."""

    @property
    def report(self) -> IsolationReport:
        """What was measured to be in force inside."""
        ...

    def paths(self, room: Room) -> dict[str, str]:
        """PLUGIN_ROOT, PLUGIN_DATA and HARNESSGYM_WORKSPACE as seen inside (the last only where granted)."""
        ...

    def prepare(self, room: Room, argv: Sequence[str], cwd: str) -> Prepared:
        """`argv` and `cwd` in inside paths, as `Launch.resolve(paths(room))` gives them."""
        ...
