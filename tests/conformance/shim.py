"""HTTP to stdio, so that the suite, which knows URLs only, reaches the stdio front.

    shim.py PORT COMMAND...

Each HTTP session is a process of its own. The requests of the revision without sessions share one process: their ids
and tokens are made unique on the way in and restored on the way out.
"""

import asyncio
import itertools
import json
import socket
import subprocess
import sys
from typing import Any

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.framing import Splitter
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.wire import CAPABILITIES_KEY, MODERN, SUBSCRIPTION_KEY, VERSION_KEY
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.http_front import Door, HttpFront
from harnessgym_mcp.server.http_serve import serve_app

POLICY = Policy()
SHARED = "shared"
Frame = dict[str, Any]


class Pipe(asyncio.Protocol):
    """One process, and whose its open requests are."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.open: dict[Any, tuple[Client, Any, Any]] = {}  # our id -> client, its id, its progress token
        self._splitter = Splitter(POLICY.limits.frame_bytes, self._frame, print, print)
        self._reading = asyncio.create_task(
            asyncio.get_running_loop().connect_read_pipe(lambda: self, self.process.stdout)
        )

    def write(self, frame: Frame) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(frame).encode() + b"\n")

    def data_received(self, data: bytes) -> None:
        self._splitter.feed(data)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    # ---- from the process

    def _frame(self, raw: bytes) -> None:
        frame = json.loads(raw)
        client = self._answered(frame) if "method" not in frame else self._told(frame)
        if client:
            client.send(json.dumps(frame).encode())

    def _answered(self, frame: Frame) -> Client | None:
        client, frame["id"], _ = self.open.pop(frame["id"], (None, None, None))
        return client

    def _told(self, frame: Frame) -> Client | None:
        """The client that a notification or request is for, by the request that it belongs to."""
        params = frame.get("params") or {}
        listen = (params.get("_meta") or {}).get(SUBSCRIPTION_KEY)
        if listen in self.open:
            client, params["_meta"][SUBSCRIPTION_KEY], _ = self.open[listen]
            return client
        if params.get("progressToken") in self.open:
            client, _, params["progressToken"] = self.open[params["progressToken"]]
            return client
        newest = next(reversed(self.open.values()), None)
        return newest[0] if newest else None


class PipeBoard:
    """What the HTTP front takes for a switchboard."""

    def __init__(self, command: list[str]) -> None:
        self.clients: set[Client] = set()
        self.schemas: dict[str, Any] = {}
        self._command = command
        self._pipes: dict[str, Pipe] = {}
        self._ids = itertools.count(1)

    def pipe(self, client: Client) -> Pipe:
        name = client.session.id
        if name not in self._pipes:
            self._pipes[name] = Pipe(self._command)
        return self._pipes[name]

    def receive(self, client: Client, raw: bytes) -> None:
        pipe, frame = self.pipe(client), json.loads(raw)
        if "method" in frame and "id" in frame:
            number = f"shim-{next(self._ids)}"
            meta = (frame.get("params") or {}).get("_meta") or {}
            pipe.open[number] = (client, frame["id"], meta.get("progressToken"))
            frame["id"] = number
            if "progressToken" in meta:
                meta["progressToken"] = number
        elif frame.get("method") == "notifications/cancelled":
            theirs = frame["params"]["requestId"]
            frame["params"]["requestId"] = next(
                (ours for ours, (who, id, _) in pipe.open.items() if who is client and id == theirs), None
            )
        pipe.write(frame)

    async def disconnect(self, client: Client) -> None:
        self.clients.discard(client)
        pipe = self._pipes.get(client.session.id)
        if pipe and client.session.id == SHARED:
            for number in [n for n, (who, _, _) in pipe.open.items() if who is client]:
                del pipe.open[number]
                pipe.write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
        elif pipe:
            self._pipes.pop(client.session.id).close()

    async def learn_schemas(self) -> None:
        """The front checks the parameters that travel in headers against them."""
        answered: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        asker = Client(
            lambda *parts: answered.set_result(json.loads(b"".join(parts))),
            Session(id=SHARED, front="shim"),
            fixed=True,
        )
        meta = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}}
        listing = {"jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": {"_meta": meta}}
        self.receive(asker, json.dumps(listing).encode())
        self.schemas = {tool["name"]: tool["inputSchema"] for tool in (await answered)["result"]["tools"]}

    def close(self) -> None:
        for pipe in self._pipes.values():
            pipe.close()


async def serve(port: int, command: list[str]) -> None:
    board = PipeBoard(command)
    await board.learn_schemas()
    front = HttpFront(
        board, board.schemas.get, lambda id, client: Session(id=id or SHARED, front="shim"), POLICY.http, Door()
    )
    listener = socket.create_server(("127.0.0.1", port))
    await serve_app(front, listener, POLICY.http.close, lambda: print("ready", flush=True))
    board.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2:]))
