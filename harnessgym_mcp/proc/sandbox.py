"""The one seam to isolation: a `Sandbox` turns a command and a `Room` into what has to be spawned.

A sandbox spawns nothing itself, so that mounts, qualification and commands each keep their own way of running a
process. The same tier serves qualification and live mounts.
"""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.groups import kill_tagged
from harnessgym_mcp.proc.leftovers import remove_leftover
from harnessgym_mcp.proc.room import Room

__all__ = ["Prepared", "Sandbox", "prepare_launch"]


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
    wrapped: bool = False  # is what is spawned a keeper of the server, and not the server itself?

    def release(self) -> None:
        """Close this side of the inherited descriptors. Idempotent."""
        for fd in self.pass_fds:
            os.close(fd)
        self.pass_fds = ()

    def close(self) -> None:
        """Release, end whoever still carries the tag, and remove what this one start needed. Idempotent; blocks for
        some milliseconds. What cannot be removed now is swept at a later start."""
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


def prepare_launch(sandbox: Sandbox, room: Room, launch: Launch) -> Prepared:
    """The recipe's command in the room; its own `env` is set on top of the room's."""
    argv, env, cwd = launch.resolve(sandbox.paths(room))
    return sandbox.prepare(dataclasses.replace(room, env={**env, **room.env}), argv, cwd)
