"""`harnessgym serve` over stdio: the rooms put together, and taken apart in the order in which nothing is lost."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from logging import FileHandler, Formatter, StreamHandler
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.frames import Message
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.proc.interpreter import collect_seldom, keep_freed, take_short_turns
from harnessgym_mcp.proc.orphans import sweep_orphans
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.control.definitions import DEFINITIONS
from harnessgym_mcp.server.control.dispatch import Control
from harnessgym_mcp.server.control.services import Services
from harnessgym_mcp.server.harness import Harness
from harnessgym_mcp.server.options import Options
from harnessgym_mcp.server.presence import Presence
from harnessgym_mcp.server.reader import SkillsAndPrompts
from harnessgym_mcp.server.recorder import Observed, Observer, Reading, Sink
from harnessgym_mcp.server.spawn import HomeSpawner
from harnessgym_mcp.server.stdio import StdioFront
from harnessgym_mcp.server.switchboard import Switchboard
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.server.watch import Watcher
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore
from harnessgym_mcp.store.publish import Stores, recover
from harnessgym_mcp.store.telemetry import TelemetryWriter
from harnessgym_mcp.upstream.call import Call
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Gym", "Observers", "log_to", "serve_stdio"]

logger = logging.getLogger(__name__)

Observers = Callable[[Policy], Observer | None]

_SWEEP = 0.25  # seconds between looks at deadlines and idle servers
_LOG_BYTES = 1 << 20


class Gym:
    """Everything behind a front: one home, its mounts, its control tools, its record."""

    def __init__(self, home: Home, policy: Policy, observer: Observer | None = None) -> None:
        stores = Stores.open(home, policy)
        self.policy = policy
        self.telemetry = TelemetryWriter(home, policy.telemetry, Reading(policy))
        self.table = MountTable(DEFINITIONS, HomeSpawner(home, policy), policy, self)
        submitter = Submitter(stores, policy)
        self.harness = Harness(stores, policy, self.table, submitter.requalify, self._announce)
        self.services = Services(home, policy, self.table, self.harness, IterationStore(home), self.telemetry)
        reader = SkillsAndPrompts(stores.objects, self.harness.active)
        sink: Sink = Observed(self.telemetry, policy, observer) if observer else self.telemetry
        self.switchboard = Switchboard(self.table, Control(self.services, submitter), reader, sink, policy)
        self._home = home
        self._observer = observer
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watcher: Watcher | None = None
        self._presence: Presence | None = None

    # ---- TableEvents

    def progressed(self, call: Call, message: Message) -> None:
        self.switchboard.progressed(call, message)

    def drifted(self, mount: Mount, changed: list[str]) -> None:
        self.harness.drifted(mount, changed)

    def notified(self, mount: Mount, message: Message) -> None:
        self.switchboard.notified(mount, message)

    def requested(self, mount: Mount, message: Message) -> bool:
        return self.switchboard.requested(mount, message)

    def relisted(self, mount: Mount, kind: str) -> None:
        self._announce(kind)

    def _announce(self, kind: str) -> None:
        self.switchboard.announce(kind)

    # ---- life

    def connect(self, client: Client) -> None:
        self.switchboard.clients.add(client)

    def start(self) -> None:
        """After the first client can be answered: watch, look for edits, sweep."""
        self._watcher = Watcher(self._home.root, lambda: self._spawn(self.harness.refresh()))
        self._watcher.start()
        keep_freed()
        collect_seldom()
        take_short_turns()
        self._spawn(self._catch_up())
        self._presence = Presence(self._home)
        self._spawn(self._sweep(self._presence))

    async def _catch_up(self) -> None:
        """What other processes and people did while nobody watched; and what a crash left half done."""
        try:
            await asyncio.to_thread(recover, self._home, self.policy)
        except HarnessGymError as error:  # the home is served as it lies; the next start tries again
            logger.warning("what a crash left half done stays so: %s", error.message)
        if ended := await asyncio.to_thread(sweep_orphans, self._home.state, self.policy.lifecycle.prune_age):
            logger.warning("%d processes that a crash had left behind were ended", ended)
        await self.harness.refresh()

    async def _sweep(self, presence: Presence) -> None:
        while True:
            if presence.changed(self.switchboard.clients, self.table.mounts.values()):
                await asyncio.to_thread(presence.tell)
            await asyncio.sleep(_SWEEP)
            self.switchboard.sweep()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, grace: float) -> None:
        """The rows first (a client may kill us 150 ms after its signal), then the servers."""
        if self._watcher:
            self._watcher.stop()
        for task in self._tasks:
            task.cancel()
        for client in list(self.switchboard.clients):
            await self.switchboard.disconnect(client)
        lost = await asyncio.to_thread(self.telemetry.close, self.policy.timeouts.last_rows)
        if lost:
            logger.warning("%d telemetry rows could not be written", lost)
        if self._presence:
            self._presence.leave()
        await self.harness.close()
        await self.table.close(grace)
        if self._observer:
            await asyncio.to_thread(self._observer.close, grace)


async def _serve(home: Home, policy: Policy, session: Session, fixed: bool, observer: Observer | None) -> None:
    gym = Gym(home, policy, observer)
    gym.harness.load()
    front = StdioFront(policy, gym.table)
    client = Client(front.send, session, fixed=fixed)
    gym.connect(client)
    await front.open(lambda frame: gym.switchboard.receive(client, frame))
    gym.start()
    logger.info("serving %s for session %s", home.root, session.id)
    await front.ended.wait()
    await _drain(client, front, policy.timeouts.drain)
    logger.info("ending: %s", front.reason)
    await gym.close(policy.timeouts.close_hurried if front.hurried.is_set() else policy.timeouts.close)
    await front.close()


async def _drain(client: Client, front: StdioFront, most: float) -> None:
    """A client that only closed its side may still read: the answers under way are given a while."""
    deadline = asyncio.get_running_loop().time() + most
    while (client.calls or client.tasks) and asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(front.hurried.wait(), 0.02)
            return


def serve_stdio(options: Options, observers: Observers | None = None) -> None:
    """Serve until EOF or a signal; `observers` may name somebody else to be told of each call.

    Raises StateError, PolicyError, and what `observers` raises.
    """
    home, policy = options.open(lenient=True)
    observer = observers(policy) if observers else None
    log_to(home.logs / "serve.log")
    main = _serve(home, policy, options.new_session(), bool(options.session), observer)
    try:
        import uvloop
    except ImportError:  # not on every platform
        asyncio.run(main)
    else:
        uvloop.run(main)


def log_to(path: Path) -> None:
    """A file, and what matters to stderr; never stdout. A long file is put aside once."""
    stderr = StreamHandler(sys.stderr)
    stderr.setLevel(logging.WARNING)  # clients show or keep a server's stderr: only what matters goes there
    handlers: list[logging.Handler] = [stderr]
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        if os.access(path.parent, os.W_OK):
            handlers.append(FileHandler(path, delay=True))
    for handler in handlers:
        handler.setFormatter(Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
