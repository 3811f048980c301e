"""A home of its own for each test, and the official SDK's client against the real `harnessgym serve`."""

import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.qualify.scaffold import scaffold

DEADLINE = 90.0


class Place:
    """One workspace with its home and state."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work space"
        self.state = folder / "state"
        self.workspace.mkdir(parents=True)
        self.home = self.workspace / ".harnessgym"
        confined = choose_sandbox(Isolation(), self.state).report.confined
        self.before: list[str] = []  # words before each command
        self.flags = [] if confined else ["--set", "isolation.allow_unconfined=true"]

    def argv(self, command: str, *more: str) -> list[str]:
        where = ["--workspace", str(self.workspace), "--state", str(self.state)]
        return [*self.before, sys.executable, "-m", "harnessgym_mcp", command, *where, *self.flags, *more]

    async def run(self, command: str, *more: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the JSON that the command printed."""
        done = await anyio.run_process([*self.argv(command), "--json", *more], check=False, env=environment())
        return done.returncode, json.loads(done.stdout)

    def draft(self, name: str, **changes: str) -> Path:
        """A scaffolded artifact in the workspace; `changes` replace text in server.py."""
        folder = self.workspace / name
        for path, text in scaffold(name).items():
            for old, new in changes.items() if path == "server.py" else ():
                text = text.replace(old, new)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

    @contextlib.asynccontextmanager
    async def client(
        self, mode: str = "legacy", session: str = "s-1", name: str = "test-client", *more: str
    ) -> AsyncIterator["Agent"]:
        changed = anyio.Event()

        async def on_message(message: object) -> None:
            if isinstance(message, types.ToolListChangedNotification):
                changed.set()

        argv = self.argv("serve", "--session", session, *more)
        client = Client(
            StdioServerParameters(command=argv[0], args=argv[1:], env=environment()),
            mode="2026-07-28" if mode == "modern" else mode,
            client_info=types.Implementation(name=name, version="1"),
            message_handler=on_message,
            read_timeout_seconds=DEADLINE,
            cache=None,
        )
        async with client:
            yield Agent(client, changed)


class Agent:
    """What an agent does with a client."""

    def __init__(self, client: Client, changed: anyio.Event) -> None:
        self.client = client
        self.changed = changed

    async def tools(self) -> list[str]:
        return [t.name for t in (await self.client.list_tools()).tools]

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A control tool's answer."""
        result = await self.client.call_tool(tool, arguments)
        return json.loads(result.content[0].text)

    async def until_listed(self, name: str, *, there: bool = True) -> None:
        with anyio.fail_after(DEADLINE):
            while (name in await self.tools()) != there:
                await anyio.lowlevel.checkpoint()


def environment() -> dict[str, str]:
    return {k: os.environ[k] for k in ("PATH", "HOME", "PYTHONPATH", "XDG_STATE_HOME") if k in os.environ}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def make_place(tmp_path: Path) -> Callable[[str], Place]:
    return lambda name: Place(tmp_path / name)
