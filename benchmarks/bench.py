"""What the parts of the benchmark share: how much is asked, a workspace with the echo server mounted, and summaries."""

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from harnessgym_mcp.core.lifecycle import Artifact, Registry, encode_registry
from harnessgym_mcp.core.sections import Telemetry
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.registry import RegistryStore

ROOT = Path(__file__).parents[1]
SERVED = Path(__file__).with_name("served")
ECHO = [sys.executable, "-S", str(SERVED / "echo_server.py")]
SCHEMAS = "https://agent-plugins.org/schemas/1.0.0"
T = TypeVar("T")
_AT_REST = 0.003  # seconds of a processor, used meanwhile


class Plan(NamedTuple):
    """How much of everything; one batch or burst of each arm makes a round, so that all see the same machine."""

    calls: int = 4000  # small ones of each arm
    alone: int = 5  # starts of all arms whose calls come one at a time
    rounds: int = 2  # after each of these
    bursts: int = 5
    beside: int = 8  # starts of two fronts that are compared burst by burst
    pairs: int = 14  # of such bursts, after one start
    starts: int = 7
    kills: int = 15
    slow: float = 2.0  # seconds of the call beside which others run
    large: int = 20_000_000  # bytes of the result beside which others pass
    listed: tuple[int, ...] = (1, 10, 50, 200)  # mounts
    many: int = 8  # mounts, all running
    pause: float = 0.1  # seconds between batches
    rest: float = 2.5 * Telemetry().flush_busy  # seconds without work, after which an arm is done with a burst

    def turns(self, arms: Sequence[T], rounds: int, start: int = 0) -> Iterator[T]:
        """Each arm once in every round, in an order of its own (and of this start's): none always follows the same
        other one."""
        shuffle = random.Random(rounds + 1000 * start).shuffle
        order = list(arms)
        for _ in range(rounds):
            shuffle(order)
            yield from order

    def settle(self, pid: int) -> None:
        """After a burst, until the process is at rest: what it does later (ours writes rows when calls pause) is not to
        be the next arm's burden."""
        before, now = -1.0, processor_seconds(pid)
        while self.rest and now - before > _AT_REST:
            time.sleep(self.rest)
            before, now = now, processor_seconds(pid)


def processor_seconds(pid: int) -> float:
    """What a process has used so far, of all its threads that live."""
    used = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            used += int((thread / "schedstat").read_text().split()[0])
    return used / 1e9


QUICK = Plan(20, 2, 2, 1, 1, 1, 1, 1, 0.2, 2_000_000, (1, 3), 2, 0.0, 0.0)


class Bench:
    """A workspace with one qualified echo artifact, all in one folder; nothing of the user's environment is passed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")} | {
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
        }
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        submitted = self.argv("submit", self.workspace)
        done = subprocess.run(
            [*submitted, str(artifact(folder / "echo"))],
            capture_output=True, text=True, env=self.environment, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def argv(self, command: str, workspace: Path, runner: tuple[str, ...] = ("-m", "harnessgym_mcp")) -> list[str]:
        """Our command on a workspace."""
        where = ["--workspace", str(workspace), "--state", str(self.folder / "state")]
        return [sys.executable, *runner, command, *where]

    def with_mounts(self, count: int) -> Path:
        """A workspace whose registry lists so many artifacts, all of the one qualified tree."""
        workspace = self.folder / f"workspace-{count}"
        home = workspace / ".harnessgym"
        if home.exists():
            return workspace
        known = RegistryStore(Home.open(self.workspace, state=self.folder / "state", create=False)).load()
        version = known.artifacts["echo"].version
        names = [f"echo-{number}" for number in range(count)]
        artifacts = {name: Artifact(name=name, current=version.digest, versions=[version]) for name in names}
        for name in names:
            folder = home / "generated" / name
            folder.mkdir(parents=True)
            for path in (self.workspace / ".harnessgym" / "generated" / "echo").iterdir():
                (folder / path.name).write_bytes(path.read_bytes())
        (home / "registry.json").write_bytes(encode_registry(Registry(generation=1, artifacts=artifacts)))
        return workspace


def artifact(folder: Path, name: str = "echo") -> Path:
    """The echo server as an artifact."""
    folder.mkdir(parents=True)
    calls = [
        {"tool": "echo", "arguments": {"size": 3}, "expect": {"textEquals": "xxx"}},
        {"tool": "echo", "arguments": {"size": -1}, "expect": {"isError": True, "text": "integer"}},
    ]
    plugin = {
        "$schema": f"{SCHEMAS}/plugin.schema.json",
        "name": name,
        "version": "1.0.0",
        "description": "Gives a text of a size.",
        "extensions": {
            "io.harnessgym": {"artifact": 1, "why": "benchmark", "determinism": "pure", "self_test": {"calls": calls}}
        },
    }
    start = {"type": "stdio", "command": "python3", "args": ["-S", "${PLUGIN_ROOT}/server.py"]}
    mcp = {"$schema": f"{SCHEMAS}/mcp.schema.json", "mcpServers": {name: start}}
    (folder / "server.py").write_bytes((SERVED / "echo_server.py").read_bytes())
    (folder / "plugin.json").write_text(json.dumps(plugin))
    (folder / "mcp.json").write_text(json.dumps(mcp))
    return folder


def cuts(values: list[float]) -> dict[str, float]:
    """The 50th, 95th and 99th percentile."""
    found = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(found[49], 1), "p95": round(found[94], 1), "p99": round(found[98], 1)}


def against(row: dict[str, dict[str, Any]], key: str, reference: str = "direct") -> None:
    """To each arm's figures its ratio to the reference."""
    for figures in row.values():
        figures["ratio"] = round(figures[key] / row[reference][key], 3)
