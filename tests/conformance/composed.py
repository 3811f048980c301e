"""The everything-server behind the switchboard, under its own names and without control tools.

composed.py --http PORT     the HTTP front
composed.py                 the stdio front
"""

import argparse
import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.digest import pins, sha256
from harnessgym_mcp.core.events import CallEvent, Session
from harnessgym_mcp.core.frames import Answer, Message
from harnessgym_mcp.core.launch import Launch, Wire
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.wire import LATEST_LEGACY, MODERN
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.recorder import Recorder
from harnessgym_mcp.server.stdio import StdioFront
from harnessgym_mcp.server.switchboard import Switchboard
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.upstream.call import Call
from harnessgym_mcp.upstream.mount import Mount
from harnessgym_mcp.upstream.peer import Peer

EVERYTHING = Path(__file__).with_name("everything_server.py")
POLICY = Policy().override({"grants.sampling": True, "grants.elicitation": True, "grants.roots": True})
LAUNCH = Launch(command=sys.executable, args=[str(EVERYTHING)], wire=Wire(legacy=LATEST_LEGACY, modern=MODERN))


class Bare:
    """Starts the server without a sandbox."""

    async def __call__(self, name: str, version: Version) -> Prepared:
        assert version.launch is not None
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        return Prepared([version.launch.command, *version.launch.args], environment, str(EVERYTHING.parent))

    def guard(self, pid: int, prepared: Prepared) -> "Nobody":
        return Nobody()


class Nobody:
    """A peer's owner that needs to know nothing, a sink of rows that keeps none, a guard that watches nothing."""

    breach = ""

    def notified(self, message: Message) -> None: ...
    def stray(self, line: bytes) -> None: ...
    def late(self, answer: Answer) -> None: ...
    def gone(self, status: str) -> None: ...
    def put(self, event: CallEvent) -> None: ...
    def end(self) -> None: ...


async def recorded() -> Version:
    """What qualification would have recorded of the server."""
    peer = Peer(Nobody(), POLICY.limits, LAUNCH.wire)
    await peer.open(await Bare()("everything", Version(digest="", launch=LAUNCH)))
    await peer.handshake("legacy", POLICY.timeouts.start)
    wait = POLICY.timeouts.start
    tools = await peer.list_tools(wait)
    version = Version(
        digest=sha256(EVERYTHING.read_bytes()),
        launch=LAUNCH,
        tools=tools,
        pins=pins(tools),
        tier="D",
        prompts=await peer.list_all("prompts/list", "prompts", wait),
        resources=await peer.list_all("resources/list", "resources", wait),
        templates=await peer.list_all("resources/templates/list", "resourceTemplates", wait),
    )
    await peer.close(0.0)
    return version


async def no_tool(name: str, ask: Ask) -> dict[str, Any]:
    raise AssertionError(name)


async def no_reader(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    return None


class Composition:
    """One mount, one switchboard."""

    def __init__(self, version: Version) -> None:
        self.table = MountTable((), Bare(), POLICY, self, prefixed=False)
        self.switchboard = Switchboard(self.table, no_tool, no_reader, Recorder(Nobody(), POLICY), POLICY)
        self.table.reconcile({"everything": version})

    def schema_of(self, tool: str) -> Any:
        return next((t.definition.get("inputSchema") for t in self.table.catalog.tools if t.name == tool), None)

    # ---- TableEvents

    def progressed(self, call: Call, message: Message) -> None:
        self.switchboard.progressed(call, message)

    def drifted(self, mount: Mount, changed: list[str]) -> None:
        print(f"drifted: {changed}", file=sys.stderr)

    def notified(self, mount: Mount, message: Message) -> None:
        self.switchboard.notified(mount, message)

    def requested(self, mount: Mount, message: Message) -> bool:
        return self.switchboard.requested(mount, message)

    def relisted(self, mount: Mount, kind: str) -> None:
        self.switchboard.announce(kind)


async def over_http(port: int) -> None:
    from harnessgym_mcp.server.http_front import Door, HttpFront
    from harnessgym_mcp.server.http_serve import serve_app

    composition = Composition(await recorded())
    front = HttpFront(
        composition.switchboard,
        composition.schema_of,
        lambda id, client: Session(id=id or "one", front="conformance"),
        POLICY.http,
        Door(),
    )
    listener = socket.create_server(("127.0.0.1", port))
    await serve_app(front, listener, POLICY.http.close, lambda: print("ready", flush=True))
    await composition.table.close(0.2)


async def over_stdio() -> None:
    composition = Composition(await recorded())
    front = StdioFront(POLICY, composition.table)
    client = Client(front.send, Session(id="one", front="conformance"), fixed=False)
    composition.switchboard.clients.add(client)
    await front.open(lambda frame: composition.switchboard.receive(client, frame))
    await front.ended.wait()
    await composition.table.close(0.2)
    await front.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", type=int, metavar="PORT")
    port = parser.parse_args().http
    asyncio.run(over_http(port) if port else over_stdio())


if __name__ == "__main__":
    main()
