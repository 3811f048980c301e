"""What the switchboard adds to a call: the same server called directly and through `harnessgym serve`, in turns.

    python -m benchmarks.overhead [--json] [--calls N]

Prints p50/p95/p99 in microseconds for each arm and size, the difference of the medians, calls a second with several
under way, and the time from start to `initialize` and `tools/list` with 1, 10 and 50 mounts. The mounted server runs
in the tier that this machine gives; the direct one runs bare. Medians over interleaved batches; absolute figures are
this machine's, on this day.
"""

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.lifecycle import Artifact, Registry, Version, encode_registry

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")} | {"PYTHONPATH": str(ROOT)}
SIZES = {"100 B": 100, "100 KB": 100_000, "1 MB": 1_000_000}

_SERVER = """import json, sys
TOOLS = [{"name": "echo", "description": "Gives a text of a size.", "inputSchema": {"type": "object", "properties":
  {"size": {"type": "integer", "minimum": 0, "maximum": 4000000}}, "required": ["size"]}}]
def call(params):
    size = (params.get("arguments") or {}).get("size")
    if params.get("name") != "echo" or not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= 4000000:
        return {"content": [{"type": "text", "text": "size is an integer up to 4000000"}], "isError": True}
    return {"content": [{"type": "text", "text": "x" * size}]}
for line in sys.stdin.buffer:
    try:
        message = json.loads(line)
        method, params = message["method"], message.get("params") or {}
    except (ValueError, KeyError, TypeError):
        print('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not a request"}}', flush=True)
        continue
    if "id" not in message:
        continue
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        reply["result"] = {"protocolVersion": params.get("protocolVersion", "2025-06-18"),
                           "capabilities": {"tools": {}}, "serverInfo": {"name": "echo", "version": "1"}}
    elif method == "tools/list":
        reply["result"] = {"tools": TOOLS}
    elif method == "tools/call":
        reply["result"] = call(params)
    elif method == "ping":
        reply["result"] = {}
    else:
        reply["error"] = {"code": -32601, "message": "method not found"}
    sys.stdout.write(json.dumps(reply) + "\\n")
    sys.stdout.flush()
"""


class Pipe:
    """A minimal blocking client, the same for every arm."""

    def __init__(self, argv: list[str]) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT, bufsize=0
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin: IO[bytes] = self.process.stdin
        self.stdout: IO[bytes] = io.BufferedReader(self.process.stdout, 1 << 20)  # type: ignore[type-var]
        self.id = 0

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.id += 1
        self.stdin.write(
            json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}).encode() + b"\n"
        )
        while True:
            answer = json.loads(self.stdout.readline())
            if answer.get("id") == self.id:
                return answer  # type: ignore[no-any-return]

    def initialize(self) -> float:
        """Seconds from the start of the process to the answer."""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.request("initialize", hello)
        took = time.perf_counter() - self.started
        self.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return took

    def time_calls(self, name: str, size: int, count: int) -> list[float]:
        """Microseconds of each call, the next begun when the last is answered."""
        took = []
        for _ in range(count):
            self.id += 1
            frame = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%b","arguments":{"size":%d}}}\n'
            data = frame % (self.id, name.encode(), size)
            began = time.perf_counter_ns()
            self.stdin.write(data)
            line = self.stdout.readline()
            took.append((time.perf_counter_ns() - began) / 1000)
            assert len(line) > size, line[:300]
        return took

    def burst(self, name: str, at_once: int, count: int) -> float:
        """Calls a second with `at_once` under way."""
        sent = answered = 0
        began = time.perf_counter()
        while answered < count:
            while sent < count and sent - answered < at_once:
                self.id += 1
                sent += 1
                self.stdin.write(
                    b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%b","arguments":{"size":100}}}\n'
                    % (self.id, name.encode())
                )
            self.stdout.readline()
            answered += 1
        return count / (time.perf_counter() - began)

    def rss_kb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def close(self) -> None:
        self.stdin.close()
        self.process.wait(30)


def artifact(folder: Path, name: str = "echo") -> Path:
    """The echo server as an artifact."""
    folder.mkdir(parents=True)
    schemas = "https://agent-plugins.org/schemas/1.0.0"
    calls = [
        {"tool": "echo", "arguments": {"size": 3}, "expect": {"textEquals": "xxx"}},
        {"tool": "echo", "arguments": {"size": -1}, "expect": {"isError": True, "text": "integer"}},
    ]
    extension = {"artifact": 1, "why": "benchmark", "determinism": "pure", "self_test": {"calls": calls}}
    plugin = {
        "$schema": f"{schemas}/plugin.schema.json",
        "name": name,
        "version": "1.0.0",
        "description": "Gives a text of a size.",
        "extensions": {"io.harnessgym": extension},
    }
    start = {"type": "stdio", "command": "python3", "args": ["-S", "${PLUGIN_ROOT}/server.py"]}
    mcp = {"$schema": f"{schemas}/mcp.schema.json", "mcpServers": {name: start}}
    (folder / "server.py").write_text(_SERVER)
    (folder / "plugin.json").write_text(json.dumps(plugin))
    (folder / "mcp.json").write_text(json.dumps(mcp))
    return folder


class Bench:
    """A workspace with one qualified echo artifact."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.run("submit", str(artifact(folder / "echo")))

    def argv(self, command: str, *more: str, workspace: Path | None = None) -> list[str]:
        where = ["--workspace", str(workspace or self.workspace), "--state", str(self.folder / "state")]
        return [sys.executable, "-m", "harnessgym_mcp", command, *where, *more]

    def run(self, command: str, *more: str) -> None:
        done = subprocess.run(
            [*self.argv(command), *more], capture_output=True, text=True, env=ENVIRONMENT, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def proxied(self) -> Pipe:
        return Pipe(self.argv("serve", "--session", "bench"))

    def direct(self) -> Pipe:
        return Pipe([sys.executable, "-S", str(self.folder / "echo" / "server.py")])

    def with_mounts(self, count: int) -> Path:
        """A workspace whose registry lists `count` artifacts, all of the one qualified tree."""
        workspace = self.folder / f"workspace-{count}"
        home = workspace / ".harnessgym"
        (home / "generated").mkdir(parents=True)
        import msgspec

        from harnessgym_mcp.store.home import Home
        from harnessgym_mcp.store.registry import RegistryStore

        known = RegistryStore(Home.open(self.workspace, state=self.folder / "state", create=False)).load()
        version: Version = known.artifacts["echo"].version
        artifacts = {
            f"echo-{n}": Artifact(name=f"echo-{n}", current=version.digest, versions=[version]) for n in range(count)
        }
        assert pins(version.tools)
        home.joinpath("registry.json").write_bytes(encode_registry(Registry(generation=1, artifacts=artifacts)))
        for name in artifacts:
            (home / "generated" / name).mkdir()
            for path in (self.workspace / ".harnessgym" / "generated" / "echo").iterdir():
                (home / "generated" / name / path.name).write_bytes(path.read_bytes())
        assert msgspec.json.decode(home.joinpath("registry.json").read_bytes())
        return workspace


def latency(bench: Bench, calls: int) -> dict[str, Any]:
    """Both arms, batch by batch in turns."""
    direct, proxied = bench.direct(), bench.proxied()
    direct.initialize()
    proxied.initialize()
    out: dict[str, Any] = {}
    for label, size in SIZES.items():
        took: dict[str, list[float]] = {"direct": [], "proxied": []}
        count = max(20, calls // (1 if size < 1000 else 20))
        for arm, pipe, name in (("direct", direct, "echo"), ("proxied", proxied, "echo__echo")):
            pipe.time_calls(name, size, max(10, count // 10))
            took[arm].clear()
        for _ in range(10):
            took["direct"] += direct.time_calls("echo", size, count // 10)
            took["proxied"] += proxied.time_calls("echo__echo", size, count // 10)
        out[label] = {arm: _summary(values) for arm, values in took.items()}
        out[label]["added_p50_us"] = round(out[label]["proxied"]["p50"] - out[label]["direct"]["p50"], 1)
        out[label]["added_p99_us"] = round(out[label]["proxied"]["p99"] - out[label]["direct"]["p99"], 1)
    rates: dict[str, list[float]] = {}
    for _ in range(5):
        for at_once in (1, 8, 32):
            rates.setdefault(f"direct {at_once}", []).append(direct.burst("echo", at_once, calls // 2))
            rates.setdefault(f"proxied {at_once}", []).append(proxied.burst("echo__echo", at_once, calls // 2))
    out["calls_per_second"] = {name: round(statistics.median(values)) for name, values in rates.items()}
    out["front_rss_mb"] = round(proxied.rss_kb() / 1024, 1)
    direct.close()
    proxied.close()
    return out


def _summary(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1)}


def start_up(bench: Bench, runs: int = 7) -> dict[str, Any]:
    """Milliseconds from start to `initialize` and to `tools/list` answered; runs of all counts in turns."""
    workspaces = {count: bench.with_mounts(count) for count in (1, 10, 50)}
    took: dict[int, list[tuple[float, float]]] = {count: [] for count in workspaces}
    for _ in range(runs + 1):
        for count, workspace in workspaces.items():
            pipe = Pipe(bench.argv("serve", workspace=workspace))
            initialized = pipe.initialize()
            listed = pipe.request("tools/list", {})
            assert len(listed["result"]["tools"]) == count + 5, listed
            took[count].append((initialized, time.perf_counter() - pipe.started))
            pipe.close()
    return {
        f"{count} mounts": {
            "initialize_ms": round(statistics.median(t[0] for t in times[1:]) * 1000),
            "tools_list_ms": round(statistics.median(t[1] for t in times[1:]) * 1000),
        }
        for count, times in took.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=4000, help="small calls in each arm (4000)")
    arguments = parser.parse_args()
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "harnessgym_mcp")], check=False)
    with tempfile.TemporaryDirectory(prefix="harnessgym-bench-") as folder:
        bench = Bench(Path(folder))
        result = {"latency_us": latency(bench, arguments.calls), "start_up": start_up(bench)}
    if arguments.json:
        print(json.dumps(result))
        return
    for label, arms in result["latency_us"].items():
        print(f"{label:>16}  {arms}")
    for label, times in result["start_up"].items():
        print(f"{label:>16}  {times}")
    print(f"peak memory of one child: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
