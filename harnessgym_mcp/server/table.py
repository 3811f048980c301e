"""The mount table: `reconcile(desired)` is the only way anything is mounted, whatever the cause of the change."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from harnessgym_mcp.core.catalog import Catalog, build
from harnessgym_mcp.core.frames import Message
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.upstream.call import Call
from harnessgym_mcp.upstream.mount import Mount
from harnessgym_mcp.upstream.seams import Spawner

__all__ = ["MountTable", "TableEvents"]


class TableEvents(Protocol):
    """What the table's owner is told."""

    def progressed(self, call: Call, message: Message) -> None: ...
    def drifted(self, mount: Mount, changed: list[str]) -> None: ...
    def notified(self, mount: Mount, message: Message) -> None: ...
    def requested(self, mount: Mount, message: Message) -> bool: ...
    def relisted(self, mount: Mount, kind: str) -> None: ...


class MountTable:
    """All mounts of this process and the catalog that follows from them."""

    def __init__(
        self,
        own: Sequence[Mapping[str, Any]],
        spawn: Spawner,
        policy: Policy,
        events: TableEvents,
        *,
        prefixed: bool = True,
    ) -> None:
        self.prefixed = prefixed  # False: one mount, under its own names
        self.mounts: dict[str, Mount] = {}
        self.catalog: Catalog = build(own, {})
        self._own = own
        self._spawn = spawn
        self._policy = policy
        self._events = events
        self.exposure: Callable[[Catalog], frozenset[str]] = lambda catalog: frozenset()  # whom the list leaves out
        self._retiring: set[asyncio.Task[None]] = set()

    def reconcile(self, desired: Mapping[str, Version]) -> bool:
        """Make the mounts what is desired; True when the list of tools has changed. Level-triggered: called with
        the same versions again it does nothing, and a mount that drifted stays unmounted."""
        for name, mount in list(self.mounts.items()):
            wanted = desired.get(name)
            if wanted is None or wanted.digest != mount.version.digest:
                self._retire(self.mounts.pop(name))
        for name, version in desired.items():
            if name not in self.mounts and version.launch is not None:
                self.mounts[name] = self._mount(name, version)
        return self._relist()

    def _mount(self, name: str, version: Version) -> Mount:
        return Mount(name, version, self._spawn, self._policy, self._events, prefixed=self.prefixed)

    def _relist(self) -> bool:
        listed = {name: m.version for name, m in self.mounts.items() if m.state != "drifted"}
        new = build(self._own, listed, prefixed=self.prefixed)
        new = new.hiding(self.exposure(new))
        changed = new.fingerprint != self.catalog.fingerprint
        self.catalog = new
        return changed

    def drop_drifted(self) -> bool:
        """After a mount has drifted: its tools leave the catalog."""
        return self._relist()

    def _retire(self, mount: Mount) -> None:
        task = asyncio.create_task(mount.drain())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def hold(self) -> None:
        """The client does not read: take no more from any server until `release`."""
        for mount in self.mounts.values():
            mount.set_reading(False)

    def release(self) -> None:
        for mount in self.mounts.values():
            mount.set_reading(True)

    def sweep(self) -> None:
        """Let idle servers rest."""
        now = time.monotonic()
        for mount in self.mounts.values():
            mount.rest(now)

    async def close(self, grace: float) -> None:
        """End every server, `grace` seconds after EOF at the latest."""
        mounts, self.mounts = list(self.mounts.values()), {}
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(
            *(m.close("the server is shutting down", grace) for m in mounts), *self._retiring, return_exceptions=True
        )
