"""What a mount needs from outside: something that starts servers, something that watches them, somebody to tell."""

from typing import TYPE_CHECKING, Protocol

from harnessgym_mcp.core.frames import Message
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.upstream.call import Call

if TYPE_CHECKING:
    from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Guard", "MountEvents", "Spawner"]


class Spawner(Protocol):
    """Turns an artifact's version into something to spawn; verifies its digest first. Raises HarnessGymError."""

    async def __call__(self, name: str, version: Version) -> Prepared: ...

    def guard(self, pid: int, prepared: Prepared) -> "Guard":
        """Watch over what was spawned; called at once after it."""
        ...


class Guard(Protocol):
    """Ends a server that breaks its bounds."""

    @property
    def breach(self) -> str:
        """Which bound was broken, in words; empty while all are kept."""
        ...

    def end(self) -> None:
        """The server is gone: its number may soon be another's. Idempotent."""
        ...


class MountEvents(Protocol):
    """What a mount tells its owner."""

    def drifted(self, mount: "Mount", changed: list[str]) -> None: ...
    def progressed(self, call: Call, message: Message) -> None: ...
    def notified(self, mount: "Mount", message: Message) -> None: ...
    def requested(self, mount: "Mount", message: Message) -> bool: ...
    def relisted(self, mount: "Mount", kind: str) -> None: ...
