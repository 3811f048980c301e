"""The registry on disk: one file, changed under a lock; the rename that replaces it commits every transition."""

import os
import re
import time
from collections.abc import Callable

import msgspec

from harnessgym_mcp.core.lifecycle import SCHEMA, Registry, decode_registry, encode_registry
from harnessgym_mcp.core.names import check_artifact_name
from harnessgym_mcp.core.policy import Timeouts
from harnessgym_mcp.errors import HarnessGymError, StateError
from harnessgym_mcp.store.atomic import Step, locked, no_step, remove_partial, set_aside, state_error, write_atomic
from harnessgym_mcp.store.home import Home, hex_of
from harnessgym_mcp.store.rebuild import rebuilt

__all__ = ["RegistryStore"]

_TICK_NS = 50_000_000
"""File times may be coarse: a file younger than this when it was read may change again and look the same."""

_Stamp = tuple[int, int, int]


class RegistryStore:
    """The registry of one home; safe for several processes. `notes` tells what recovery did."""

    def __init__(self, home: Home, *, step: Step = no_step, timeout: float = Timeouts().lock) -> None:
        self._home = home
        self._step = step
        self._timeout = timeout
        self._cached: tuple[_Stamp, Registry] | None = None
        self.notes: list[str] = []

    def load(self) -> Registry:
        """The registry; empty when there is none yet. A damaged one is set aside and rebuilt from what lies on disk.

        Read again only when the file changed. Raises StateError when it cannot be read or is newer than this program.
        """
        stamp = self._stamp()
        if stamp is None:
            return Registry()
        if self._cached and self._cached[0] == stamp:
            return self._cached[1]
        registry = self._read() or self._repair()
        if time.time_ns() - stamp[0] > _TICK_NS:
            self._cached = (stamp, registry)
        return registry

    def update(self, change: Callable[[Registry], Registry]) -> Registry:
        """Apply a change to the newest registry under the lock and commit the result as the next generation.

        A change that changes nothing commits nothing. What `change` raises passes through, nothing is written then.
        Raises StateError, LockedError.
        """
        with locked(self._home.lock("registry"), self._timeout):
            remove_partial(self._home.registry)
            old = self._read() or self._set_aside_and_rebuild()
            new = change(old)
            return old if new == old else self._commit(new, old.generation + 1)

    def rebuild(self) -> Registry:
        """Replace the registry by what can be known without it; a former file is set aside."""
        with locked(self._home.lock("registry"), self._timeout):
            return self._set_aside_and_rebuild()

    def _stamp(self) -> _Stamp | None:
        try:
            found = self._home.registry.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise state_error("read", self._home.registry, error) from error
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _bytes(self) -> bytes:
        try:
            return self._home.registry.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise state_error("read", self._home.registry, error) from error

    def _read(self) -> Registry | None:
        """The registry as it is on disk; None when it is damaged."""
        if not os.path.lexists(self._home.registry):
            return Registry()
        try:
            registry = decode_registry(self._bytes())
        except msgspec.MsgspecError:
            return None
        if not _legal(registry):
            return None
        if registry.schema > SCHEMA:
            hint = "use the newer HarnessGym, or another --home"
            raise StateError(f"{str(self._home.registry)!r} was written by a newer HarnessGym", hint=hint)
        return registry

    def _repair(self) -> Registry:
        """Rebuild for a reader; where the home cannot be written, only in memory."""
        try:
            with locked(self._home.lock("registry"), self._timeout):
                return self._read() or self._set_aside_and_rebuild()
        except StateError as error:
            registry, notes = rebuilt(self._home)
            self._note(f"the registry is damaged and was rebuilt in memory only: {error.message}", *notes)
            return registry

    def _set_aside_and_rebuild(self) -> Registry:
        data = self._bytes()
        registry, notes = rebuilt(self._home)
        if os.path.lexists(self._home.registry):
            notes.insert(0, f"the former registry was set aside as {str(set_aside(self._home.registry))!r}")
        self._note(*notes)
        return self._commit(registry, _generation(data) + 1)

    def _commit(self, registry: Registry, generation: int) -> Registry:
        registry = msgspec.structs.replace(registry, generation=generation)
        write_atomic(self._home.registry, encode_registry(registry), step=self._step)
        self._step("committed")
        return registry

    def _note(self, *texts: str) -> None:
        self.notes.extend(t for t in texts if t not in self.notes)


def _legal(registry: Registry) -> bool:
    """Names and digests become paths, and the file may come from a stranger's repository."""
    try:
        for artifact in registry.artifacts.values():
            check_artifact_name(artifact.name)
            for version in artifact.versions:
                hex_of(version.digest)
        for entry in registry.quarantine:
            check_artifact_name(entry.name)
            hex_of(entry.digest)
    except HarnessGymError:
        return False
    return True


def _generation(damaged: bytes) -> int:
    """The generation that a damaged file still shows, so that watchers see the next one grow; else 0."""
    found = re.search(rb'"generation":\s*(\d{1,15})\b', damaged)
    return int(found[1]) if found else 0
