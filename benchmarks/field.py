"""Ours beside what else relays MCP, in turns in one run: the same server, the same client, the same machine.

    python -m benchmarks.field [--json] [--calls N] [--install]

Over stdio: the server itself (direct), a relay that only rewrites ids (the limit of what a relay in Python can do),
ours, and fastmcp's mounted proxy. Over HTTP: ours and mcp-proxy. `--install` puts fastmcp and mcp-proxy into a cache
folder ($HARNESSGYM_FIELD, else ~/.cache/harnessgym-field); what is not there is left out, and said to be.
"""

import argparse
import contextlib
import http.client
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.overhead import ENVIRONMENT, ROOT, SIZES, Bench, Pipe

FOLDER = Path(os.environ.get("HARNESSGYM_FIELD", str(Path.home() / ".cache" / "harnessgym-field")))
PEERS = ("fastmcp", "mcp-proxy")
ROUNDS = 8

_RELAY = """import fcntl, os, re, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
import select
head = re.compile(rb'"id": ?(\\d+)')
ids, count, poll = {}, 0, select.epoll()
a, b = 0, child.stdout.fileno()
for pipe in (0, 1, child.stdin.fileno(), b):
    fcntl.fcntl(pipe, 1031, 1 << 20)
poll.register(a, select.EPOLLIN); poll.register(b, select.EPOLLIN)
rest = {a: [], b: []}
def write(to, data):
    view = memoryview(data)
    while view:
        view = view[os.write(to, view):]
while True:
    for at, _ in poll.poll():
        data = os.read(at, 1 << 20)
        if not data:
            child.stdin.close(); child.wait(); sys.exit()
        rest[at].append(data)
        if b"\\n" not in data:
            continue
        *lines, last = b"".join(rest[at]).split(b"\\n")
        rest[at] = [last]
        for line in lines:
            found = head.search(line, 0, 200)
            if found and at == a:
                count += 1; ids[b"%d" % count] = found[1]; new = b"%d" % count
            elif found:
                new = ids.pop(found[1])
            if found:
                line = line[:found.start(1)] + new + line[found.end(1):]
            write(child.stdin.fileno() if at == a else 1, line + b"\\n")
"""

_FASTMCP = """import json, sys
from fastmcp import FastMCP
from fastmcp.server import create_proxy
front = FastMCP("front")
for n in range(int(sys.argv[1])):
    server = {"mcpServers": {"echo": {"command": sys.argv[2], "args": sys.argv[3:]}}}
    front.mount(create_proxy(server), namespace=f"echo{n}")
front.run(transport="stdio", show_banner=False)
"""


def install() -> None:
    for name in PEERS:
        subprocess.run(["uv", "venv", "-q", "--allow-existing", str(FOLDER / name)], check=True)
        python = str(FOLDER / name / "bin" / "python")
        subprocess.run(["uv", "pip", "install", "-q", "--python", python, name], check=True)


def version_of(name: str) -> str:
    """The installed version, "" where it is not installed."""
    python = FOLDER / name / "bin" / "python"
    asked = f"from importlib.metadata import version; print(version({name!r}))"
    if not python.exists():
        return ""
    done = subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=False)
    return done.stdout.strip()


# ---- stdio


class Arm:
    """One way to the server: how to start it, and its tools' names there."""

    def __init__(self, start: Callable[[], Pipe], names: list[str]) -> None:
        self.start = start
        self.names = names


def stdio_arms(bench: Bench, mounts: int) -> dict[str, Arm]:
    server = [sys.executable, "-S", str(bench.folder / "echo" / "server.py")]
    relay = bench.folder / "relay.py"
    relay.write_text(_RELAY)
    proxy = bench.folder / "proxy.py"
    proxy.write_text(_FASTMCP)
    workspace = bench.with_mounts(mounts)
    arms = {
        "direct": Arm(lambda: Pipe(server), ["echo"]),
        "bare relay": Arm(lambda: Pipe([sys.executable, "-S", str(relay), *server]), ["echo"]),
        "ours": Arm(
            lambda: Pipe(bench.argv("serve", "--session", "bench", workspace=workspace)),
            [f"echo-{n}__echo" for n in range(mounts)],
        ),
    }
    if version_of("fastmcp"):
        python = str(FOLDER / "fastmcp" / "bin" / "python")
        arms["fastmcp"] = Arm(
            lambda: Pipe([python, str(proxy), str(mounts), *server]), [f"echo{n}_echo" for n in range(mounts)]
        )
    return arms


def latency(arms: dict[str, Arm], calls: int) -> dict[str, Any]:
    """Microseconds of calls made one at a time, batches of all arms in turns."""
    pipes = {name: arm.start() for name, arm in arms.items()}
    for name, pipe in pipes.items():
        pipe.initialize()
        pipe.time_calls(arms[name].names[0], 100, 50)
    out: dict[str, Any] = {}
    for label, size in SIZES.items():
        batch = max(5, calls // ROUNDS // (1 if size < 1000 else 20))
        took: dict[str, list[float]] = {name: [] for name in pipes}
        for _ in range(ROUNDS):
            for name, pipe in pipes.items():
                took[name] += pipe.time_calls(arms[name].names[0], size, batch)
        out[label] = {name: _cuts(values) for name, values in took.items()}
    out["front RSS MB"] = {name: round(pipe.rss_kb() / 1024, 1) for name, pipe in pipes.items() if name != "direct"}
    for pipe in pipes.values():
        pipe.close()
    return out


def burst(pipe: Pipe, names: list[str], at_once: int, count: int) -> float:
    """Calls a second with so many under way, over all names in turn."""
    sent = answered = 0
    began = time.perf_counter()
    while answered < count:
        while sent < count and sent - answered < at_once:
            pipe.id += 1
            frame = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%b","arguments":{"size":100}}}\n'
            pipe.stdin.write(frame % (pipe.id, names[sent % len(names)].encode()))
            sent += 1
        pipe.stdout.readline()
        answered += 1
    return count / (time.perf_counter() - began)


def throughput(arms: dict[str, Arm], calls: int) -> dict[str, dict[str, int]]:
    pipes = {name: arm.start() for name, arm in arms.items()}
    for name, pipe in pipes.items():
        pipe.initialize()
        for tool in arms[name].names:
            pipe.time_calls(tool, 100, 5)
    rates: dict[str, dict[str, list[float]]] = {}
    for _ in range(3):
        for at_once in (1, 8, 32):
            for name, pipe in pipes.items():
                count = calls // (10 if name == "fastmcp" else 1)
                rate = burst(pipe, arms[name].names, at_once, max(64, count))
                rates.setdefault(f"{at_once} at once", {}).setdefault(name, []).append(rate)
    for pipe in pipes.values():
        pipe.close()
    return {k: {n: round(statistics.median(v)) for n, v in by.items()} for k, by in rates.items()}


def start_up(arms: dict[str, Arm]) -> dict[str, Any]:
    """Milliseconds from the start of the process to `initialize` and to `tools/list` answered."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for _ in range(5):
        for name, arm in arms.items():
            pipe = arm.start()
            first = pipe.initialize()
            pipe.request("tools/list", {})
            took[name].append((first, time.perf_counter() - pipe.started))
            pipe.close()
    return {
        name: {
            "initialize": round(1000 * statistics.median(t[0] for t in times)),
            "tools/list": round(1000 * statistics.median(t[1] for t in times)),
        }
        for name, times in took.items()
    }


# ---- HTTP


class Web:
    """A minimal blocking client of a Streamable HTTP front, one connection kept open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "b", "version": "1"}}
        self.ask("initialize", hello)
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def post(self, message: dict[str, Any]) -> bytes:
        try:
            self.connection.request("POST", "/mcp", json.dumps(message), self.headers)
            response = self.connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):  # kept open long enough
            self.connection.close()
            self.connection.request("POST", "/mcp", json.dumps(message), self.headers)
            response = self.connection.getresponse()
        if session := response.headers["Mcp-Session-Id"]:
            self.headers["Mcp-Session-Id"] = session
        return response.read()

    def ask(self, method: str, params: dict[str, Any]) -> bytes:
        body = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        assert b'"result"' in body, body[:300]
        return body

    def time_calls(self, name: str, size: int, count: int) -> list[float]:
        took = []
        for _ in range(count):
            began = time.perf_counter_ns()
            body = self.ask("tools/call", {"name": name, "arguments": {"size": size}})
            took.append((time.perf_counter_ns() - began) / 1000)
            assert len(body) > size
        return took


@contextlib.contextmanager
def listening(argv: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            select.select([], [], [], 0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def over_http(bench: Bench, calls: int) -> dict[str, Any]:
    server = [sys.executable, "-S", str(bench.folder / "echo" / "server.py")]
    ports = [_free() for _ in range(2)]
    http_front = ("--transport", "http", "--port", str(ports[0]), "--session", "bench")
    fronts = {"ours": ([*bench.argv("serve"), *http_front], ports[0], "echo__echo")}
    if version_of("mcp-proxy"):
        proxy = [str(FOLDER / "mcp-proxy" / "bin" / "mcp-proxy"), "--port", str(ports[1]), "--", *server]
        fronts["mcp-proxy"] = (proxy, ports[1], "echo")
    with contextlib.ExitStack() as stack:
        clients = {}
        for name, (argv, port, tool) in fronts.items():
            stack.enter_context(listening(argv, port))
            clients[name] = (Web(port), tool)
            clients[name][0].time_calls(tool, 100, 20)
        out: dict[str, Any] = {}
        for label, size in SIZES.items():
            took: dict[str, list[float]] = {name: [] for name in clients}
            for _ in range(ROUNDS):
                for name, (web, tool) in clients.items():
                    took[name] += web.time_calls(tool, size, max(5, calls // 10 // ROUNDS // (1 if size < 1000 else 5)))
            out[label] = {name: _cuts(values) for name, values in took.items()}
        return out


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as at:
        return int(at.getsockname()[1])


def _cuts(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49]), "p95": round(cuts[94]), "p99": round(cuts[98])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=4000, help="small calls in each arm (4000)")
    parser.add_argument("--install", action="store_true", help="put the others into the cache folder first")
    arguments = parser.parse_args()
    if arguments.install:
        install()
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "harnessgym_mcp")], check=False)
    with tempfile.TemporaryDirectory(prefix="harnessgym-field-") as folder:
        bench = Bench(Path(folder))
        one, eight = stdio_arms(bench, 1), stdio_arms(bench, 8)
        result = {
            "versions": {name: version_of(name) or "not installed" for name in PEERS},
            "stdio, us": latency(one, arguments.calls),
            "calls/s, 1 mount": throughput(one, arguments.calls),
            "calls/s, 8 mounts": throughput(eight, arguments.calls),
            "start, ms": start_up(one),
            "start with 8 mounts, ms": start_up(eight),
            "HTTP, us": over_http(bench, arguments.calls),
        }
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for part, rows in result.items():
        print(part)
        for label, row in rows.items():
            print(f"  {label:>14}  {row}")


if __name__ == "__main__":
    main()
