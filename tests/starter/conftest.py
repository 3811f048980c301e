"""The starter harness as its users meet it: qualified, submitted, and called over MCP; or one server by itself."""

import contextlib
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import anyio.abc
import mcp_types as types
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, StdioServerParameters

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc.choose import choose_sandbox

STARTER = Path(__file__).parents[2] / "generated"
DEADLINE = 60.0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`artifact` is each one of the starter harness in turn."""
    if "artifact" in metafunc.fixturenames:
        metafunc.parametrize("artifact", sorted(p.parent.name for p in STARTER.glob("*/plugin.json")))


class Answer:
    """A tool's answer: its JSON, or the words of an error."""

    def __init__(self, text: str, failed: bool) -> None:
        self.text = text
        self.failed = failed

    @property
    def value(self) -> dict[str, Any]:
        assert not self.failed, self.text
        return json.loads(self.text)

    @property
    def complaint(self) -> str:
        assert self.failed, self.text
        return self.text


class Harness:
    """A workspace into whose harness the whole starter harness has been submitted."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work space"
        self.state = folder / "state"
        self.workspace.mkdir(parents=True)
        confined = choose_sandbox(Isolation(), self.state).report.confined
        self.flags = [] if confined else ["--set", "isolation.allow_unconfined=true"]

    def argv(self, command: str, *more: str) -> list[str]:
        where = ["--workspace", str(self.workspace), "--state", str(self.state)]
        return [sys.executable, "-m", "harnessgym_mcp", command, *where, *self.flags, *more]

    async def run(self, command: str, *more: str) -> dict[str, Any]:
        """The JSON that a command prints."""
        done = await anyio.run_process([*self.argv(command), "--json", *more], check=False, env=scrubbed())
        return json.loads(done.stdout)

    @contextlib.asynccontextmanager
    async def session(self, name: str = "") -> AsyncIterator[Callable[..., Any]]:
        """`call(tool, **arguments)` through the official client and `harnessgym serve`."""
        argv = self.argv("serve", "--session", name or uuid.uuid4().hex)
        server = StdioServerParameters(command=argv[0], args=argv[1:], env=scrubbed())
        async with Client(server, mode="legacy", read_timeout_seconds=DEADLINE, cache=None) as client:

            async def call(tool: str, **arguments: Any) -> Answer:
                result = await client.call_tool(tool, arguments)
                block = result.content[0]
                assert isinstance(block, types.TextContent)
                return Answer(block.text, bool(result.is_error))

            yield call


def scrubbed() -> dict[str, str]:
    return {k: os.environ[k] for k in ("PATH", "HOME", "PYTHONPATH", "XDG_STATE_HOME") if k in os.environ}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def harness(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> Harness:
    """Made once: each artifact has been through the clean room and is mounted."""
    harness = Harness(tmp_path_factory.mktemp("starter"))
    for folder in sorted(p.parent for p in STARTER.glob("*/plugin.json")):
        verdict = await harness.run("submit", str(folder))
        assert verdict["status"] == "qualified", (folder.name, verdict)
    return harness


@pytest.fixture
def folder(harness: Harness) -> str:
    """A folder of the workspace for one test; relative, as tools want it."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    (harness.workspace / name).mkdir()
    return name


class Server:
    """One artifact's server by itself, without the harness around it: for what only its own wire shows."""

    def __init__(self, process: anyio.abc.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin = process.stdin
        self._stdout = BufferedByteReceiveStream(process.stdout)

    async def send(self, message: Any) -> None:
        await self._stdin.send(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        with anyio.fail_after(DEADLINE):
            return json.loads(await self._stdout.receive_until(b"\n", 1 << 20))

    async def ask(self, id: Any, method: str, **params: Any) -> None:
        await self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})

    async def start(self, tool: str, id: Any = "call", **arguments: Any) -> None:
        """Begin a call; its answer is received later."""
        await self.ask(id, "tools/call", name=tool, arguments=arguments)

    async def call(self, tool: str, **arguments: Any) -> Answer:
        await self.start(tool, uuid.uuid4().hex, **arguments)
        result = (await self.receive())["result"]
        return Answer(result["content"][0]["text"], bool(result.get("isError")))

    async def end(self) -> int:
        """Close its input and wait for it to leave."""
        await self._stdin.aclose()
        with anyio.fail_after(DEADLINE):
            return await self.process.wait()


class Bench:
    """Where servers are started by themselves: a workspace and a data folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.data = folder / "data"
        self.workspace.mkdir()
        self.data.mkdir()

    @contextlib.asynccontextmanager
    async def server(self, artifact: str) -> AsyncIterator[Server]:
        env = {"PATH": os.environ["PATH"], "PLUGIN_DATA": str(self.data), "HARNESSGYM_WORKSPACE": str(self.workspace)}
        command = [sys.executable, "-B", str(STARTER / artifact / "server.py")]
        async with await anyio.open_process(command, env=env, stderr=None) as process:
            try:
                yield Server(process)
            finally:
                if process.returncode is None:
                    process.kill()

    def fifo(self, name: str) -> "Fifo":
        path = self.workspace / name
        os.mkfifo(path)
        return Fifo(path)


class Fifo:
    """A named pipe into which a command writes that it has got so far."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def told(self) -> str:
        """What was written, once it has been."""
        with anyio.fail_after(DEADLINE):
            return await anyio.to_thread.run_sync(self.path.read_text, abandon_on_cancel=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def module() -> Iterator[Callable[[str, str], ModuleType]]:
    """Import one module of an artifact, with its neighbours found; all are forgotten afterwards."""
    import importlib

    before, path = set(sys.modules), list(sys.path)

    def load(artifact: str, name: str) -> ModuleType:
        sys.path.insert(0, str(STARTER / artifact))
        return importlib.import_module(name)

    yield load
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(STARTER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
