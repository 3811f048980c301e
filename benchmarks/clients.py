"""A minimal blocking client, so that what is measured is the server's; here over stdio."""

import contextlib
import io
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%b","arguments":%b}}'
START = 60.0  # seconds that a server may take to listen, and to list its tools
RUNNING: list["Client"] = []  # those that are not closed


class Shape(NamedTuple):
    """What is asked of the echo tool, and how long the answer is at least."""

    label: str
    arguments: bytes
    least: int


SMALL = Shape("100 B text", b'{"size":100}', 100)
SHAPES = (
    SMALL,
    Shape("100 KB text", b'{"size":100000}', 100_000),
    Shape("1 MB text", b'{"size":1000000}', 1_000_000),
    Shape("100 KB structured", b'{"size":100000,"structured":true}', 70_000),
)


class Client:
    """What all have in common. `names` are those of the echo tools, one for each mount."""

    def __init__(self, argv: list[str], environment: dict[str, str], stdout: int = subprocess.DEVNULL) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL, env=environment, bufsize=0
        )
        RUNNING.append(self)
        self.names: list[bytes] = []
        self.id = 0

    def send(self, message: bytes) -> None:
        raise NotImplementedError

    def receive(self) -> bytes:
        raise NotImplementedError

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.id += 1
        self.send(json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}).encode())
        while True:
            answer = json.loads(self.receive())
            if answer.get("id") == self.id:
                return answer  # type: ignore[no-any-return]

    def open(self, mounts: int = 1) -> tuple[float, float]:
        """Seconds from the start of the process to the answers of `initialize` and `tools/list`."""
        self.request("initialize", HELLO)
        initialized = time.perf_counter() - self.started
        self.send(json.dumps(INITIALIZED).encode())
        until = time.monotonic() + START
        while len(self.names) < mounts:  # some list a server's tools only once it has started
            assert time.monotonic() < until, f"{len(self.names)} of {mounts} echo tools were listed"
            tools = self.request("tools/list", {})["result"]["tools"]
            self.names = sorted(tool["name"].encode() for tool in tools if tool["name"].endswith("echo"))
        return initialized, time.perf_counter() - self.started

    def call(self, name: bytes, arguments: bytes) -> None:
        self.id += 1
        self.send(CALL % (self.id, name, arguments))

    def time_call(self, name: bytes, shape: Shape = SMALL) -> float:
        """Microseconds to its answer."""
        self.id += 1
        message = CALL % (self.id, name, shape.arguments)
        began = time.perf_counter_ns()
        self.send(message)
        answer = self.receive()
        took = (time.perf_counter_ns() - began) / 1000
        assert len(answer) > shape.least, answer[:300]
        return took

    def burst(self, at_once: int, count: int) -> float:
        """Calls a second with so many under way, over all names in turn."""
        sent = answered = 0
        began = time.perf_counter()
        while answered < count:
            while sent < count and sent - answered < at_once:
                self.call(self.names[sent % len(self.names)], SMALL.arguments)
                sent += 1
            assert len(self.receive()) > SMALL.least
            answered += 1
        return count / (time.perf_counter() - began)

    def close(self) -> None:
        RUNNING.remove(self)
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


class Pipe(Client):
    """Over stdio."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        super().__init__(argv, environment, subprocess.PIPE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin: IO[bytes] = self.process.stdin
        self.stdout: IO[bytes] = io.BufferedReader(self.process.stdout, 1 << 20)  # type: ignore[type-var]

    def send(self, message: bytes) -> None:
        self.stdin.write(message + b"\n")

    def receive(self) -> bytes:
        line = self.stdout.readline()
        assert line, "the server is gone"
        return line


def close_all() -> None:
    """Whatever a part left running, also where it ended in an error."""
    for client in list(RUNNING):
        client.close()


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for child in children(pid):
        yield from family(child)
