"""The tag that every process of a server carries in its environment: by it survivors are found and told apart.

`<pid namespace>.<front's pid>.<front's start time>.<family>.<random>`. Whoever reads it can tell whether the front that
started the process still lives, and never mistakes another container's processes for orphans. A family are the fronts
that share a state folder: the sessions of one user, whatever homes they serve.
"""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.proc.processes import start_time

__all__ = ["TAG", "Tag", "family_of", "new_tag", "parse_tag", "pid_namespace"]

TAG = "HARNESSGYM_TAG"


@dataclass(frozen=True, slots=True)
class Tag:
    namespace: int
    front: int
    started: int  # clock ticks after boot
    family: str

    @property
    def orphaned(self) -> bool:
        """Is its front dead? Never true of another pid namespace, where we cannot know."""
        return self.namespace == pid_namespace() and start_time(self.front) != self.started

    @property
    def age(self) -> float:
        """Seconds since its front was started."""
        return time.monotonic() - self.started / os.sysconf("SC_CLK_TCK")


def family_of(state: Path | None) -> str:
    """Of the fronts that use this state folder; without one "", which is nobody's family."""
    return hashlib.sha256(os.fsencode(os.path.realpath(state))).hexdigest()[:12] if state else ""


def new_tag(family: str) -> str:
    pid = os.getpid()
    return f"{pid_namespace()}.{pid}.{start_time(pid)}.{family}.{os.urandom(8).hex()}"


def parse_tag(text: str) -> Tag | None:
    """None for what is not a tag of ours."""
    parts = text.split(".")
    if len(parts) != 5 or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts[:3]):
        return None
    namespace, front, started = map(int, parts[:3])
    return Tag(namespace, front, started, parts[3])


def pid_namespace() -> int:
    """Its number; 0 on a system without such a thing."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0
