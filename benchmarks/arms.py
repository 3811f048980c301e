"""The ways to the echo server that are compared, and how those of others are installed.

`install` puts them into a cache folder ($HARNESSGYM_FIELD, else ~/.cache/harnessgym-field); what is not there is left
out, and said to be.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench import ECHO, SERVED, Bench
from benchmarks.clients import Client, Pipe
from benchmarks.web_clients import Sse, Web, free_port

FOLDER = Path(os.environ.get("HARNESSGYM_FIELD", str(Path.home() / ".cache" / "harnessgym-field")))
FROM_PYPI = ("fastmcp", "mcp-proxy")
FROM_NPM = ("mcp-hub", "lazy-mcp")
DIRECT, RELAY, OURS, PLAIN, FASTMCP = "direct", "bare relay", "ours", "ours, plain asyncio", "fastmcp"
HTTP, PROXY, HUB = "ours, HTTP", "mcp-proxy, HTTP", "mcp-hub, SSE"


class Arm(NamedTuple):
    """One way. `start` begins a process of its own; `mounts` echo tools are listed there."""

    name: str
    start: Callable[[], Client]
    mounts: int
    slow: bool = False  # asked fewer calls
    at_once: bool = True  # can its client have several calls under way?

    def opened(self) -> Client:
        client = self.start()
        client.open(self.mounts)
        return client

    def share(self, count: int, slow_part: int, least: int) -> int:
        """How many of so many calls: a slow arm makes one in `slow_part`."""
        return max(least, count // slow_part if self.slow else count)


def install() -> list[str]:
    """What could not be installed, and why."""
    failed = []
    for name in FROM_PYPI:
        python = FOLDER / name / "bin" / "python"
        made = _run("uv", "venv", "-q", "--allow-existing", str(python.parents[1]))
        failed += made or _run("uv", "pip", "install", "-q", "--python", str(python), name)
    for name in FROM_NPM:
        failed += _run("npm", "install", "--prefix", str(FOLDER), "--no-fund", "--no-audit", "--loglevel=error", name)
    return failed


def _run(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{command[-1]}: {error}"]
    return [f"{command[-1]}: {done.stderr.strip()[:200]}"] if done.returncode else []


@functools.cache
def version_of(name: str) -> str:
    """The installed version, "" where it is not installed."""
    if name in FROM_NPM:
        about = FOLDER / "node_modules" / name / "package.json"
        return json.loads(about.read_text())["version"] if about.exists() else ""
    python = FOLDER / name / "bin" / "python"
    asked = f"from importlib.metadata import version; print(version({name!r}))"
    if not python.exists():
        return ""
    return subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False).stdout.strip()


def versions() -> dict[str, str]:
    return {name: version_of(name) or "not installed" for name in (*FROM_PYPI, *FROM_NPM)}


def ours(bench: Bench, mounts: int, name: str = OURS, what: str = "") -> Arm:
    """`harnessgym serve`, or what is left of it (see served/our_front.py)."""
    runner = (str(SERVED / "our_front.py"), what) if what else ("-m", "harnessgym_mcp")
    argv = bench.argv("serve", bench.with_mounts(mounts), runner)
    return Arm(name, lambda: Pipe([*argv, "--session", "bench"], bench.environment), mounts)


def direct(bench: Bench, *options: str) -> Arm:
    return Arm(DIRECT, lambda: Pipe([*ECHO, *options], bench.environment), 1)


def relay(bench: Bench) -> Arm:
    argv = [sys.executable, "-S", str(SERVED / "bare_relay.py"), *ECHO]
    return Arm(RELAY, lambda: Pipe(argv, bench.environment), 1)


def fastmcp(bench: Bench, mounts: int) -> list[Arm]:
    if not version_of("fastmcp"):
        return []
    python = str(FOLDER / "fastmcp" / "bin" / "python")
    argv = [python, str(SERVED / "fastmcp_front.py"), str(mounts), *ECHO]
    return [Arm(FASTMCP, lambda: Pipe(argv, bench.environment), mounts, slow=True)]


def over_http(bench: Bench) -> list[Arm]:
    """Ours and mcp-proxy; both take one call at a time here."""
    served = [*bench.argv("serve", bench.with_mounts(1)), "--transport", "http", "--session", "bench", "--port"]
    arms = [Arm(HTTP, lambda: _web(bench, served, []), 1, slow=True, at_once=False)]
    if version_of("mcp-proxy"):
        proxy = [str(FOLDER / "mcp-proxy" / "bin" / "mcp-proxy"), "--port"]
        arms.append(Arm(PROXY, lambda: _web(bench, proxy, ["--", *ECHO]), 1, slow=True, at_once=False))
    return arms


def _web(bench: Bench, before: list[str], after: list[str]) -> Client:
    port = free_port()
    return Web([*before, str(port), *after], bench.environment, port)


def hub(bench: Bench, mounts: int) -> list[Arm]:
    """mcp-hub, whose endpoint speaks the older SSE transport only."""
    if not version_of("mcp-hub"):
        return []
    config = bench.folder / f"hub-{mounts}.json"
    servers = {f"echo{number}": {"command": ECHO[0], "args": ECHO[1:]} for number in range(mounts)}
    config.write_text(json.dumps({"mcpServers": servers}))
    argv = [str(FOLDER / "node_modules" / ".bin" / "mcp-hub"), "--config", str(config), "--port"]

    def start() -> Client:
        port = free_port()
        return Sse([*argv, str(port)], bench.environment, port)

    return [Arm(HUB, start, mounts, slow=True)]


def all_arms(bench: Bench, mounts: int) -> list[Arm]:
    """Over stdio, then over HTTP where one mount is asked for. Direct and the relay have one server in any case."""
    stdio = [direct(bench), relay(bench), ours(bench, mounts), ours(bench, mounts, PLAIN, "plain")]
    others = [*fastmcp(bench, mounts), *hub(bench, mounts)]
    return [*stdio, *others, *(over_http(bench) if mounts == 1 else [])]
