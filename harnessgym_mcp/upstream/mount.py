"""A mount: a namespace's server, started by its first call, restarted after a crash, stopped when idle.

    cold -> starting -> live -> cold (idle, or dead: the next call starts it again after a pause that grows)
    starting -> drifted (it lists other tools than those that were qualified)
    failures in a row -> broken (the circuit is open for a while; calls are refused at once)
    any -> closed

Nothing here waits on another mount. Calls are handed in and end through `Call`; the mount itself runs no task but
its start and its close.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Coroutine, Set
from typing import Any, Literal

from msgspec import Raw

from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.eras import bridge
from harnessgym_mcp.core.frames import CANCELLED, Answer, Message, encode
from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, UpstreamDiedError, UpstreamError, UpstreamStartError
from harnessgym_mcp.upstream.call import Call, CallTimeoutError
from harnessgym_mcp.upstream.follows import Follows
from harnessgym_mcp.upstream.health import Health
from harnessgym_mcp.upstream.offers import RELISTED, Offers
from harnessgym_mcp.upstream.peer import Era, Peer, granted_capabilities
from harnessgym_mcp.upstream.relisting import Relisting
from harnessgym_mcp.upstream.seams import Guard, MountEvents, Spawner
from harnessgym_mcp.upstream.tokens import Tokens

__all__ = ["Mount", "State"]

logger = logging.getLogger(__name__)

State = Literal["cold", "starting", "live", "broken", "drifted", "closed"]


class Mount:
    """One artifact's server."""

    def __init__(
        self, name: str, version: Version, spawn: Spawner, policy: Policy, events: MountEvents, *, prefixed: bool = True
    ) -> None:
        self.name = name
        self.prefix = name if prefixed else ""
        self.version = version
        self.state: State = "cold"
        self.restarts = 0
        self.strays = 0
        self.late_answers = 0
        self._health = Health(policy.mounts)
        self.offers = Offers(version)
        self._follows = Follows()
        self._relisting = Relisting(self._relist, self._chore, policy.mounts.relist_pause)
        self._spawn = spawn
        self._policy = policy
        self._most = policy.mounts.concurrency
        self._events = events
        self._peer: Peer | None = None
        self._queue: deque[Call] = deque()
        self._tokens = Tokens()
        self._active = 0
        self._used = 0.0
        self._starting: asyncio.Task[None] | None = None
        self._guard: Guard | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event | None = None
        self._chores: set[asyncio.Task[Any]] = set()

    @property
    def launch(self) -> Launch:
        if self.version.launch is None:
            raise UpstreamStartError(f"{self.name} has no server")
        return self.version.launch

    @property
    def active(self) -> int:
        """Calls under way or waiting."""
        return self._active + len(self._queue)

    @property
    def last_error(self) -> str:
        return self._health.last_error

    # ---- calls

    def submit(self, call: Call) -> None:
        """Forward now, or as soon as the server can take it; refuse when it cannot be served."""
        peer = self._peer
        if self.state == "live" and peer and self._active < self._most and peer.link.writable:
            self._send(peer, call)
            return
        refusal = self._refusal()
        if refusal:
            call.failed(refusal)
            return
        self._queue.append(call)
        if self.state in ("cold", "broken"):
            self._plan_start(call.modern)

    def _refusal(self) -> UpstreamError | None:
        now = asyncio.get_running_loop().time()
        if self.state in ("drifted", "closed"):
            return UpstreamStartError(
                f"{self.name} is unmounted ({self.state}): {self._health.last_error or 'it was replaced'}"
            )
        health = self._health
        if self.state == "broken" and now < health.not_before:
            rest = health.not_before - now
            return UpstreamStartError(
                f"{self.name} failed {health.failures} times in a row; it rests {rest:.0f} s. {health.last_error}"
            )
        unsent = self._peer.link.unsent if self.state == "live" and self._peer else 0
        if len(self._queue) >= self._policy.mounts.queue or unsent > self._policy.mounts.queue_bytes:
            return UpstreamError(f"{self.name} is busy: {self.active} calls wait for it")
        return None

    def _send(self, peer: Peer, call: Call) -> None:
        self._active += 1
        call.carrier = self
        params = bridge(call.params, call.modern, peer.era == "modern")
        if "_meta" in params and b"progressToken" in bytes(params["_meta"]):
            params = self._tokens.register(call, params)
        call.number = peer.ask(call, call.method, params)

    def finished(self, call: Call) -> None:
        self._active -= 1
        self._used = call.finished
        if call.token:
            self._tokens.forget(call)
        if call.answer:
            self._health.answered()
        if self._queue:
            self._pump()
        elif self._emptied and not self._active:
            self._emptied.set()

    def _pump(self) -> None:
        peer = self._peer
        while self._queue and self.state == "live" and peer and self._active < self._most:
            if not peer.link.writable:
                return  # goes on when the server reads again
            call = self._queue.popleft()
            if call.status is None:
                self._send(peer, call)

    def cancel(self, call: Call, reason: Raw | None) -> None:
        """The client gave up: the server is told with the client's reason; a late answer is dropped."""
        self._withdraw(call, reason)
        call.finish("cancelled")

    def expire(self, call: Call) -> None:
        """The deadline passed: the server is told, the caller answered; the server's state is left alone."""
        self._withdraw(call, Raw(encode("deadline passed")))
        call.failed(CallTimeoutError(f"no answer from {self.name} within {call.timeout:g} s"))

    def _withdraw(self, call: Call, reason: Raw | None) -> None:
        if call.number and self._peer and self._peer.waiting.pop(call.number, None):
            params = {"requestId": Raw(b"%d" % call.number)} | ({} if reason is None else {"reason": reason})
            self._peer.notify(CANCELLED, params)
        elif not call.number:
            with contextlib.suppress(ValueError):
                self._queue.remove(call)

    # ---- life

    def _plan_start(self, modern: bool) -> None:
        if self._starting or self._timer:
            return
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._health.not_before - loop.time())
        era = self._era(modern)
        if wait:
            self._timer = loop.call_later(wait, self._begin, era)
        else:
            self._begin(era)

    def _begin(self, era: Era) -> None:
        self._timer = None
        if self.state != "closed":
            self._starting = asyncio.create_task(self._start(era))

    def _era(self, modern: bool) -> Era:
        """The caller's era where the server speaks it, else the one it speaks."""
        wire = self.launch.wire
        if modern and wire.modern:
            return "modern"
        return "modern" if wire.modern and not wire.legacy else "legacy"

    async def _start(self, era: Era) -> None:
        self.state = "starting"
        peer = Peer(self, self._policy.limits, self.launch.wire)
        peer.on_request, peer.on_writable = self._requested, self._pump
        try:
            timeout = self.launch.start_seconds(self._policy.timeouts.start)
            prepared = await self._spawn(self.name, self.version)
            self._peer = peer
            await peer.open(prepared)
            self._guard = self._spawn.guard(peer.link.pid, prepared)
            await peer.handshake(era, timeout, granted_capabilities(self._policy.grants))
            listed = pins(await peer.list_tools(timeout))
        except Exception as error:  # also a defect of ours: whoever waits has to be told
            if not isinstance(error, HarnessGymError | TimeoutError | OSError):
                logger.exception("%s could not be started", self.name)
            await peer.close(0.0)
            self._start_failed(error)
        else:
            self._started(peer, listed)
        finally:
            self._starting = None

    def _started(self, peer: Peer, listed: dict[str, str]) -> None:
        if peer.dead:
            self._start_failed(peer.dead)
            return
        if self._changed(listed):
            return
        self.state = "live"
        self._follows.begin(peer)
        if self.offers.level:
            self._chore(self.offers.apply_level(peer, self._policy.timeouts.start))
        self._used = time.monotonic()
        self._pump()

    def _changed(self, listed: dict[str, str]) -> bool:
        """Unmount when the definitions are not those that were qualified."""
        pinned = self.version.pins
        changed = sorted(n for n in pinned.keys() | listed.keys() if pinned.get(n) != listed.get(n))
        if not changed:
            return False
        names = one_line(", ".join(changed), 200)
        self._health.last_error = f"its tools are not those that were qualified: {names}"
        self.state = "drifted"
        self._fail_queue(UpstreamStartError(f"{self.name} was unmounted: {self._health.last_error}"))
        if self._peer:
            self._peer.link.kill()
        self._events.drifted(self, changed)
        return True

    def _start_failed(self, error: Exception) -> None:
        text = str(error) or ("it did not answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
        tail = self._peer.link.stderr_tail() if self._peer and isinstance(error, TimeoutError) else ""
        self._count_failure(text + (f"; its stderr ends: {tail}" if tail else ""))
        self._fail_queue(UpstreamStartError(f"{self.name} could not be started: {self._health.last_error}"))

    def _unguard(self) -> str:
        """The watch is over; which bound was broken, if any."""
        guard, self._guard = self._guard, None
        if guard is None:
            return ""
        guard.end()
        return guard.breach

    def _count_failure(self, text: str) -> None:
        breach = self._unguard()
        text = f"it was ended: {breach}" if breach else text
        self._health.failed(text, asyncio.get_running_loop().time())
        if self.state != "closed":
            self.state = "broken" if self._health.broken else "cold"
        self._peer = None

    def _fail_queue(self, error: UpstreamError) -> None:
        waiting, self._queue = self._queue, deque()
        for call in waiting:
            call.failed(error)

    def set_reading(self, on: bool) -> None:
        """Hold the server's output back while the client does not read, or let it go on."""
        if self._peer and self.state == "live":
            self._peer.link.set_reading(on)

    def rest(self, now: float) -> None:
        """Stop the server when it has had no call for long."""
        if self.state == "live" and not self.active and now - self._used > self._policy.timeouts.idle and self._peer:
            peer, self._peer = self._peer, None
            self._unguard()
            self.state = "cold"
            self._chore(peer.close(self._policy.timeouts.close))

    async def close(self, reason: str, grace: float) -> None:
        """End the server; calls under way are answered with an error."""
        self.state = "closed"
        self._health.last_error = reason
        if self._timer:
            self._timer.cancel()
        if self._starting:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        self._fail_queue(UpstreamDiedError(f"{self.name}: {reason}"))
        peer, self._peer = self._peer, None
        self._unguard()
        if peer:
            peer.fail_all(UpstreamDiedError(f"{self.name}: {reason}"))
            await peer.close(grace)

    async def drain(self) -> None:
        """Let the calls under way end, then close: a replaced version loses none of its calls."""
        if self.active:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._policy.timeouts.call):
                    await self._emptied.wait()
        await self.close("it was replaced", self._policy.timeouts.close)

    def _chore(self, work: Coroutine[Any, Any, Any]) -> None:
        """Work beside the calls; kept until it is done, so that it is not collected half-way."""
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    # ---- PeerEvents

    def notified(self, message: Message) -> None:
        if message.method == "notifications/progress":
            call = self._tokens.call_of(message)
            if call:
                self._events.progressed(call, message)
        elif message.method in RELISTED and self.state == "live":
            self._relisting.announced(str(message.method))
        elif self.state == "live":
            self._events.notified(self, message)

    def _requested(self, message: Message) -> bool:
        return self.state == "live" and self._events.requested(self, message)

    def answer(self, frame: bytes) -> None:
        """A client's answer to a request of this server's."""
        if self._peer and self.state == "live":
            self._peer.link.send(frame)

    def in_era(self, modern: bool) -> Era:
        """The era in which the server speaks, or would if such a caller started it."""
        return self._peer.era if self.state == "live" and self._peer else self._era(modern)

    def follow(self, uris: Set[str]) -> None:
        """Be told of changes in these of its resources, and in no others; a server at rest is started for it."""
        if uris == self._follows.wanted:
            return
        self._follows.wanted = uris
        if self._peer and self.state == "live":
            self._follows.apply(self._peer)
        elif uris and self.state == "cold":
            self._plan_start(modern=True)

    async def _relist(self, method: str) -> None:
        peer = self._peer
        if peer is None:
            return
        with contextlib.suppress(HarnessGymError, TimeoutError):
            if kind := self.offers.changed_by(method):
                await self.offers.relist(peer, method, self._policy.timeouts.start)
            elif self._changed(pins(await peer.list_tools(self._policy.timeouts.start))):
                return
            self._events.relisted(self, kind or "tools")

    def set_level(self, level: str) -> None:
        """The log level that a client wishes; also for a later start."""
        self.offers.level = level
        if self._peer and self.state == "live":
            self._chore(self.offers.apply_level(self._peer, self._policy.timeouts.start))

    def stray(self, line: bytes) -> None:
        self.strays += 1

    def late(self, answer: Answer) -> None:
        self.late_answers += 1

    def gone(self, status: str) -> None:
        if self.state != "live":
            return  # a start that failed, a stop or a close: told there
        self.restarts += 1
        peer = self._peer
        self._count_failure(str(peer.dead) if peer and peer.dead else f"the server {status}")
        if peer:
            self._chore(peer.close(0.0))
        if self._queue:
            self._plan_start(self._queue[0].modern)

    def status(self) -> dict[str, Any]:
        """For stats: state, pid and what went wrong."""
        live = self.state == "live" and self._peer is not None
        return {
            "state": self.state,
            "pid": self._peer.link.pid if live and self._peer else None,
            "active": self.active,
            "restarts": self.restarts,
            "stray_lines": self.strays,
            "late_answers": self.late_answers,
            "last_error": one_line(self._health.last_error, 300),
        }
