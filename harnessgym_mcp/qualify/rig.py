"""One room of the clean room with the artifact's server in it, and what is seen of it from outside."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

from msgspec import Raw

from harnessgym_mcp.core.frames import Answer, Message, encode
from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.wire import CAPABILITIES_KEY, MODERN, VERSION_KEY
from harnessgym_mcp.proc.room import Bind, Bounds, Room, room_for
from harnessgym_mcp.proc.sandbox import Prepared, Sandbox, prepare_launch
from harnessgym_mcp.proc.watch import Watch, Watchdog
from harnessgym_mcp.qualify.decoys import Decoys, Lookout
from harnessgym_mcp.qualify.place import Place
from harnessgym_mcp.qualify.processes import family, runaways
from harnessgym_mcp.qualify.reply import Pending, Reply
from harnessgym_mcp.upstream.peer import Peer

__all__ = ["Rig"]

_FLOOD = 100_000  # stray lines after which a server is ended


class Rig:
    """A server in a room. Make one, `open` it, shake hands through `peer`, `call`, and `close`."""

    def __init__(
        self, sandbox: Sandbox, launch: Launch, policy: Policy, place: Place, watchdog: Watchdog, lookout: Lookout
    ) -> None:
        self.peer = Peer(self, policy.limits, launch.wire)
        self.place = place
        self.strays: list[str] = []
        self.stray_count = 0
        self.unasked = 0  # answers to ids that were not asked, or that came again
        self.answers_to_nothing = 0  # answers with `id: null`, to notifications
        self.cancelled: set[int] = set()  # ids whose answers may come or not
        self.list_changed = 0
        self.leaks: list[str] = []  # tools whose answers held a canary
        self.heaviest: tuple[int, str] = (0, "")  # bytes and tool of the biggest answer
        self.decoys = Decoys(lookout)
        self._sandbox = sandbox
        self._launch = launch
        self._policy = policy
        self.watch: Watch | None = None
        self.daemons: list[str] = []  # names of processes that left the server's family, found at its end
        self.touched: list[str] = []  # decoys that were opened
        self.stayed = False  # was it still there some time after EOF?
        self._watchdog = watchdog
        self._prepared: Prepared | None = None
        self._oom = ""

    async def open(self) -> None:
        """Spawn the server; raises UpstreamStartError or IsolationError."""
        place = self.place
        room = room_for(
            self._launch,
            self._policy,
            root=place.root,
            data=place.data,
            workspace=place.workspace,
            environ={},
            guise=place.guise,
            binds=(*place.binds, *self._decoy_binds()),
            path_first=place.path_first,
        )
        if place.tempting:
            room = self._tempting(room)
        self._prepared = prepare_launch(self._sandbox, room, self._launch)
        self.decoys.plant(self._home(self._prepared))
        await self.peer.open(self._prepared)
        self.watch = self._watchdog.watch(self.peer.link.pid, self._prepared, room)

    def _tempting(self, room: Room) -> Room:
        """The same room with its own files and the workspace open to writing: an undeclared write leaves a mark."""
        own = Bind(self.place.root, self._sandbox.paths(room)["PLUGIN_ROOT"], write=True)
        return dataclasses.replace(room, binds=(*room.binds, own), workspace_write=room.workspace is not None)

    def _decoy_binds(self) -> tuple[Bind, ...]:
        if self._sandbox.report.tier != "A":
            return ()
        home = self.place.guise.home
        return tuple(Bind(self.place.home / top, f"{home}/{top}", write=True) for top in self.decoys.tops)

    def _home(self, prepared: Prepared) -> Path:
        """Where the decoys are, seen from outside: bound into the room, or in the folder that is its home."""
        home = prepared.env.get("HOME", "")
        return self.place.home if self._sandbox.report.tier == "A" or not home else Path(home)

    # ---- asking

    async def call(self, tool: str, arguments: Any, timeout: float) -> Reply:
        """One `tools/call`; never raises for what the server does."""
        params: dict[str, Raw] = {"name": Raw(encode(tool)), "arguments": Raw(_dump(arguments))}
        reply = await self.ask("tools/call", params, timeout, tool)
        self.heaviest = max(self.heaviest, (reply.size, tool))
        return reply

    async def ask(self, method: str, params: dict[str, Raw], timeout: float, about: str = "") -> Reply:
        """Any request, its answer weighed and searched for canaries."""
        waiter = Pending(self.decoys.canary.encode())
        number = self.peer.ask(waiter, method, self.with_era(params))
        try:
            async with asyncio.timeout(timeout):
                reply = await waiter.future
        except TimeoutError:
            self.cancelled.add(number)  # its answer may still come
            reply = Reply("timeout", message=f"no answer within {timeout:.1f} s", ms=timeout * 1000)
        finally:
            self.peer.waiting.pop(number, None)
        if waiter.leaked:
            self.leaks.append(about or method)
        return reply

    def with_era(self, params: dict[str, Raw]) -> dict[str, Raw]:
        """With what each request of the revision without a handshake has to bear."""
        if self.peer.era == "legacy":
            return params
        return {**params, "_meta": Raw(encode({VERSION_KEY: MODERN, CAPABILITIES_KEY: {}}))}

    def inside_paths(self) -> dict[str, str]:
        """The room's own paths as the server sees them, the longest first."""
        guise = self.place.guise
        home = {"HOME": guise.home, "PREFIX": guise.prefix}
        outside = {
            "PLUGIN_ROOT": self.place.root,
            "PLUGIN_DATA": self.place.data,
            "HARNESSGYM_WORKSPACE": self.place.workspace,
        }
        paths = home | {k: str(v) for k, v in outside.items() if v} | {"ROOM": str(self.place.root.parent)}
        return dict(sorted(paths.items(), key=lambda item: -len(item[1])))

    async def alive(self, timeout: float) -> bool:
        """Does it still answer `tools/list`?"""
        return (await self.ask("tools/list", {}, timeout)).answered

    # ---- PeerEvents

    def notified(self, message: Message) -> None:
        self.list_changed += message.method == "notifications/tools/list_changed"

    def stray(self, line: bytes) -> None:
        kind = _kind_of(line)
        if kind == "error to nothing":  # what JSON-RPC asks for after a line that could not be read
            return
        if kind == "answer to nothing":
            self.answers_to_nothing += 1
            return
        if kind == "answer":
            self.unasked += 1
            return
        self.stray_count += 1
        if len(self.strays) < 20:
            self.strays.append(one_line(line.decode("utf-8", "replace"), 160))
        if self.stray_count > _FLOOD:  # nothing honest is lost by its end
            self.peer.link.kill()

    def late(self, answer: Answer) -> None:
        if answer.id in self.cancelled:
            self.cancelled.discard(answer.id)
        else:
            self.unasked += 1

    def gone(self, status: str) -> None:
        """While its control groups are still there: did the kernel end it for its memory?"""
        if self._prepared is not None and any(map(_out_of_memory, self._prepared.leftovers)):
            self._oom = f"it used more than its {self._bounds().memory_mb} MB of memory"

    # ---- end

    @property
    def breach(self) -> str:
        """Which bound it broke, in words; the watchdog has then ended it."""
        return (self.watch.breach if self.watch else "") or self._oom

    def _bounds(self) -> Bounds:
        return Bounds.of(self._policy.isolation, self._launch.limits.memory_mb)

    async def close(self, grace: float) -> None:
        """EOF, then force; with a `grace`, how it went is remembered. Idempotent."""
        prepared, self._prepared = self._prepared, None
        if prepared is None:
            return
        judged = grace > 0 and self.watch is not None and not self.peer.dead
        if judged:
            leader = self.peer.link.pid
            self.daemons = [m.name for m in runaways(family(leader, prepared.tag), leader, prepared.wrapped)]
        left = await self.peer.close(grace)
        self.stayed = judged and not left
        if self.watch is not None:
            self._watchdog.forget(self.watch)
        self.touched = self.decoys.touched()
        await asyncio.to_thread(prepared.close)


def _kind_of(line: bytes) -> str:
    """Of what is neither a request nor an answer to one of our numbers."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "noise"
    if not isinstance(value, dict) or not value.keys() & {"result", "error"} or "method" in value:
        return "noise"
    if value.get("id") is None:
        return "error to nothing" if "error" in value else "answer to nothing"
    return "answer"


def _out_of_memory(group: Path) -> bool:
    """Of a control group, version 2 or 1; False for anything else."""
    for name in ("memory.events", "memory.oom_control"):
        try:
            counters = dict(line.split() for line in (group / name).read_text().splitlines())
        except (OSError, ValueError):
            continue
        if int(counters.get("oom_kill", 0)) > 0:
            return True
    return False


def _dump(value: Any) -> bytes:
    """json, not msgspec: a fuzzed value may hold any integer."""
    return json.dumps(value).encode()
