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

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from direct import DirectSpawner, Nobody, Relayed, no_reader, recorded

from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.launch import Launch, Wire
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.wire import LATEST_LEGACY, MODERN
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.stdio import StdioFront
from harnessgym_mcp.server.switchboard import Switchboard
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.upstream.mount import Mount

EVERYTHING = Path(__file__).with_name("everything_server.py")
POLICY = Policy().override({"grants.sampling": True, "grants.elicitation": True, "grants.roots": True})
LAUNCH = Launch(command=sys.executable, args=[str(EVERYTHING)], wire=Wire(legacy=LATEST_LEGACY, modern=MODERN))


async def no_tool(name: str, ask: Ask) -> dict[str, Any]:
    raise AssertionError(name)


def spawner() -> DirectSpawner:
    return DirectSpawner(EVERYTHING.parent, {"HOME": os.environ.get("HOME", "/")})


async def everything() -> Version:
    return await recorded(LAUNCH, sha256(EVERYTHING.read_bytes()), spawner(), POLICY)


class Composition(Relayed):
    """One mount, one switchboard."""

    def __init__(self, version: Version) -> None:
        self.table = MountTable((), spawner(), POLICY, self, prefixed=False)
        self.switchboard = Switchboard(self.table, no_tool, no_reader, Nobody(), POLICY)
        self.table.reconcile({"everything": version})

    def schema_of(self, tool: str) -> Any:
        return next((t.definition.get("inputSchema") for t in self.table.catalog.tools if t.name == tool), None)

    def drifted(self, mount: Mount, changed: list[str]) -> None:
        print(f"drifted: {changed}", file=sys.stderr)


async def over_http(port: int) -> None:
    from harnessgym_mcp.server.http_front import Door, HttpFront
    from harnessgym_mcp.server.http_serve import serve_app

    composition = Composition(await everything())
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
    composition = Composition(await everything())
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
