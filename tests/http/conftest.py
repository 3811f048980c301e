"""Fronts as processes of their own, and a client that speaks HTTP by hand."""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
COMPOSED = ROOT / "tests" / "conformance" / "composed.py"
DEADLINE = 60.0
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


OPEN: list[HTTPResponse] = []


class Served:
    """A running front."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env | (environment or {}), text=True
        )
        self.first = self._line()
        self.address = next((word.strip(",") for word in self.first.split() if word.startswith("http")), "")

    def _line(self) -> str:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        assert ready, "the front said nothing"
        return self.process.stdout.readline()

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        _, self.errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode


class Caller:
    """One HTTP client. `session` is kept from `initialize` on."""

    def __init__(self, address: str, headers: dict[str, str] | None = None) -> None:
        self.host = urlsplit(address).netloc
        self.headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        } | (headers or {})

    def open(self, verb: str, body: Any = None, headers: dict[str, str] | None = None) -> HTTPResponse:
        """The response, its stream still open."""
        connection = HTTPConnection(self.host, timeout=DEADLINE)
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(verb, "/mcp", data, {"Connection": "close"} | self.headers | (headers or {}))
        OPEN.append(connection.getresponse())
        return OPEN[-1]

    def post(self, method: str, params: dict[str, Any] | None = None, id: Any = 1, **headers: str) -> HTTPResponse:
        message = {"jsonrpc": "2.0", "method": method} | ({} if id is None else {"id": id})
        return self.open("POST", message | ({} if params is None else {"params": params}), headers)

    def ask(self, method: str, params: dict[str, Any] | None = None, id: Any = 1) -> dict[str, Any]:
        return messages(self.post(method, params, id))[-1]

    def initialize(self) -> "Caller":
        response = self.post("initialize", HELLO)
        assert messages(response)[-1]["result"]["protocolVersion"] == "2025-11-25"
        self.headers |= {"Mcp-Session-Id": response.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}
        assert self.post("notifications/initialized", id=None).status == 202
        return self

    def modern(self, method: str, params: dict[str, Any] | None = None, id: Any = 1) -> dict[str, Any]:
        return messages(self.open_modern(method, params, id))[-1]

    def open_modern(self, method: str, params: dict[str, Any] | None = None, id: Any = 1) -> HTTPResponse:
        given = params or {}
        meta = MODERN | given.get("_meta", {})
        name = given.get("name") or given.get("uri")
        named = {"Mcp-Name": name} if isinstance(name, str) else {}
        body = {"jsonrpc": "2.0", "id": id, "method": method, "params": given | {"_meta": meta}}
        return self.open("POST", body, {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method} | named)


def events(response: HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """`(event id, message)` as they come; those without a message left out."""
    event = ""
    while line := response.readline():
        key, _, value = line.decode().rstrip("\r\n").partition(": ")
        if key == "id":
            event = value
        elif key == "data" and value:
            yield event, json.loads(value)


def messages(response: HTTPResponse) -> list[dict[str, Any]]:
    """All messages of a response, until it ends."""
    if "event-stream" in (response.headers["Content-Type"] or ""):
        return [message for _, message in events(response)]
    body = response.read()
    return [json.loads(body)] if body else []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """No test leaves a connection open."""
    yield
    while OPEN:
        OPEN.pop().close()


def _composed() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = Served([sys.executable, str(COMPOSED), "--http", str(port)])
    yield f"http://127.0.0.1:{port}/mcp"
    assert served.end() == 0


@pytest.fixture(scope="session")
def everything() -> Iterator[str]:
    """The address of the everything-server behind the HTTP front."""
    yield from _composed()


@pytest.fixture(scope="session")
def modern_everything() -> Iterator[str]:
    """The same, for callers without a handshake only: the mounted server speaks the era of its first caller."""
    yield from _composed()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts `harnessgym serve --transport http` in a fresh workspace."""
    running: list[Served] = []

    def start(*options: str, **environment: str) -> Served:
        (tmp_path / "workspace").mkdir(exist_ok=True)
        where = ["--workspace", str(tmp_path / "workspace"), "--state", str(tmp_path / "state"), "--port", "0"]
        command = [sys.executable, "-m", "harnessgym_mcp", "serve", "--transport", "http", *where, *options]
        running.append(Served(command, environment))
        return running[-1]

    yield start
    for served in running:
        served.end()
