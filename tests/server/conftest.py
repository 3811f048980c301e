"""The switchboard with real servers behind it and a client that keeps every frame it is sent."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from direct import DirectSpawner, Relayed, no_reader, recorded

from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.events import CallEvent, Session
from harnessgym_mcp.core.framing import Part
from harnessgym_mcp.core.launch import Launch, Wire
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.server.recorder import Reading
from harnessgym_mcp.server.switchboard import Switchboard
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.upstream.mount import Mount

SERVERS = Path(__file__).parent.parent / "servers"
DEADLINE = 60.0
OWN = ({"name": "harnessgym.stats", "inputSchema": {"type": "object"}}, {"name": "harnessgym.call", "inputSchema": {}})


class Rows:
    """A sink that keeps rows."""

    def __init__(self, policy: Policy) -> None:
        self.rows: list[CallEvent] = []
        self.calls: list[Attributed] = []
        self.heavy = 0
        self._reading = Reading(policy)

    def put(self, item: Attributed, heavy: bool) -> None:
        self.rows += self._reading([item]).events()
        self.calls.append(item)
        self.heavy += heavy


async def own_tool(name: str, ask: Ask) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": json.dumps([name, ask.arguments])}]}


async def version_of(script: str, *args: str, wire: Wire | None = None, **limits: int) -> Version:
    """What qualification would have recorded of a test server."""
    era = "modern" if script == "modern_only" else "legacy"
    launch = Launch(
        command=sys.executable,
        args=["-S", "-B", str(SERVERS / f"{script}.py"), *args],
        wire=wire or (Wire(modern="2026-07-28") if era == "modern" else Wire(legacy="2025-11-25")),
    )
    spawner, digest = DirectSpawner(SERVERS), sha256(f"{script}{args}".encode())
    return await recorded(launch, digest, spawner, Policy(), "modern" if era == "modern" else "legacy")


class Bench(Relayed):
    """One switchboard, one client, and a way to wait for what the client is sent."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.rows = Rows(policy)
        self.spawner = DirectSpawner(SERVERS)
        self.table = MountTable(OWN, self.spawner, policy, self)
        self.switchboard = Switchboard(self.table, own_tool, no_reader, self.rows, policy)
        self.frames: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.drifts: list[list[str]] = []
        self._news = asyncio.Event()
        self.client = self.new_client("s1", self.frames)
        self._ids = iter(range(1, 1_000_000))

    def new_client(self, session: str, frames: list[dict[str, Any]]) -> Client:
        """One more; what it is sent goes to `frames`."""

        def sent(*parts: Part) -> None:
            frame = b"".join(parts)
            self.raw.append(frame)
            frames.append(json.loads(frame))
            self._news.set()

        client = Client(sent, Session(id=session, front="f1"), fixed=False)
        self.switchboard.clients.add(client)
        return client

    def drifted(self, mount: Mount, changed: list[str]) -> None:
        self.drifts.append(changed)
        self.table.drop_drifted()
        self._news.set()

    async def mount(self, **versions: Version) -> None:
        self.table.reconcile({name.replace("_", "-"): v for name, v in versions.items()})

    async def until(self, condition: Callable[[], Any], what: str = "condition") -> Any:
        """Wait for news until the condition holds; its value. Fails after the deadline."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not (value := condition()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what} did not come; frames: {self.frames[-5:]}") from None
        return value

    def send(self, message: dict[str, Any] | bytes) -> None:
        frame = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.switchboard.receive(self.client, frame)

    def ask(self, method: str, params: dict[str, Any] | None = None, id: Any = None) -> Any:
        id = next(self._ids) if id is None else id
        self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}})
        return id

    def answer(self, id: Any) -> dict[str, Any] | None:
        return next((f for f in self.frames if f.get("id") == id and "method" not in f), None)

    async def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        id = self.ask(method, params)
        return await self.until(lambda: self.answer(id), f"an answer to {method}")

    async def call(self, name: str, arguments: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
        params: dict[str, Any] = {"name": name, "arguments": arguments or {}}
        return await self.request("tools/call", params | ({"_meta": meta} if meta else {}))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench(Policy())
    yield made
    await made.table.close(0.2)


@pytest.fixture
async def make_bench() -> AsyncIterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**settings: object) -> Bench:
        made.append(Bench(Policy().override({k.replace("__", "."): v for k, v in settings.items()})))
        return made[-1]

    yield make
    for one in made:
        await one.table.close(0.2)


@pytest.fixture
def server() -> Callable[..., Any]:
    return version_of


@pytest.fixture(scope="module")
def bench_parts() -> tuple[Any, Any, Policy]:
    return Bench, version_of, Policy()
