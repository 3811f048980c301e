"""How a mount's server is started: digest verified, private copy executed, in the tier it was qualified in."""

import asyncio
import os
from pathlib import Path

from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import CorruptError, UpstreamStartError
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.proc.environments import Environments
from harnessgym_mcp.proc.room import room_for
from harnessgym_mcp.proc.sandbox import Prepared, prepare_launch
from harnessgym_mcp.proc.watch import Watch, Watchdog
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.objects import ObjectStore
from harnessgym_mcp.upstream.seams import Guard

__all__ = ["HomeSpawner"]


class _Watched:
    """One mounted server under the watchdog."""

    def __init__(self, watchdog: Watchdog, watch: Watch) -> None:
        self._watchdog = watchdog
        self._watch = watch

    @property
    def breach(self) -> str:
        return self._watch.breach

    def end(self) -> None:
        self._watchdog.forget(self._watch)


class HomeSpawner:
    """Starts servers of one home from this machine's private object store."""

    def __init__(self, home: Home, policy: Policy) -> None:
        self._home = home
        self._policy = policy
        self._objects = ObjectStore(home.state)
        self._environments = Environments(home.state, policy)
        self._watchdog = Watchdog(policy.isolation.look_mounted)

    async def __call__(self, name: str, version: Version) -> Prepared:
        """Raises CorruptError when the private copy is missing or was changed, IsolationError, UpstreamStartError."""
        return await asyncio.to_thread(self._prepare, name, version)

    def guard(self, pid: int, prepared: Prepared) -> Guard:
        """Bounds that the kernel does not keep are kept by looking, at a slow pace."""
        return _Watched(self._watchdog, self._watchdog.watch(pid, prepared))

    def _prepare(self, name: str, version: Version) -> Prepared:
        if version.launch is None:
            raise UpstreamStartError(f"{name} has no server")
        if not self._objects.verify(version.digest):
            raise CorruptError(
                f"{name}: its private copy is missing or was changed",
                hint=f"`harnessgym requalify {name}` makes it anew",
            )
        root = self._objects.path(version.digest)
        if root is None:
            raise CorruptError(f"{name}: its private copy is gone", hint=f"`harnessgym requalify {name}`")
        sandbox = choose_sandbox(self._policy.isolation, self._home.state, version.tier)
        environment = self._environments.ensure(version.launch.packages, version.launch.python)
        room = room_for(
            version.launch,
            self._policy,
            root=root,
            data=self._data(name),
            workspace=self._home.grantable_workspace,
            environ=os.environ,
            binds=environment.binds,
            path_first=environment.path_first,
        )
        return prepare_launch(sandbox, room, version.launch)

    def _data(self, name: str) -> Path:
        data = self._home.data(name)
        data.mkdir(parents=True, exist_ok=True)
        return data
