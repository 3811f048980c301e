"""The tag that every process of a server carries in its environment: by it survivors are found and told apart.

`<pid namespace>.<front's pid>.<front's start time>.<random>`. Whoever reads it can tell whether the front that started
the process still lives, and never mistakes another container's processes for orphans.
"""

import os
from dataclasses import dataclass

from harnessgym_mcp.proc.processes import start_time

__all__ = ["TAG", "Tag", "new_tag", "parse_tag", "pid_namespace"]

TAG = "HARNESSGYM_TAG"


@dataclass(frozen=True, slots=True)
class Tag:
    namespace: int
    front: int
    started: int  # clock ticks after boot

    @property
    def orphaned(self) -> bool:
        """Is its front dead? Never true of another pid namespace, where we cannot know."""
        return self.namespace == pid_namespace() and start_time(self.front) != self.started


def new_tag() -> str:
    pid = os.getpid()
    return f"{pid_namespace()}.{pid}.{start_time(pid)}.{os.urandom(8).hex()}"


def parse_tag(text: str) -> Tag | None:
    """None for what is not a tag of ours."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts[:3]):
        return None
    return Tag(*map(int, parts[:3]))


def pid_namespace() -> int:
    """Its number; 0 on a system without such a thing."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0
