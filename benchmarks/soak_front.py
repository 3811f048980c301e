"""A front as `harnessgym serve` has it, over servers that misbehave on purpose and that no clean room would let pass.

    python -m benchmarks.soak_front HOME

The switchboard, the stdio front, the mounts and the telemetry are the real ones; only the spawner starts the test
servers as they stand. Every second one mount is replaced by another version of itself.
"""

import asyncio
import contextlib
import itertools
import os
import random
import sys
from pathlib import Path
from typing import Any

import uvloop

from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.launch import Launch, Wire
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.recorder import Reading
from harnessgym_mcp.server.stdio import StdioFront
from harnessgym_mcp.server.switchboard import Switchboard
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter
from harnessgym_mcp.upstream.mount import Mount
from tests.support.direct import DirectSpawner, Relayed, no_reader, recorded

SERVERS = Path(__file__).parents[1] / "tests" / "servers"
SPAWNER = DirectSpawner(SERVERS)
SCRIPTS = (
    "echo",
    "crash_on_call",
    "hang_on_call",
    "flood_stdout",
    "malformed_json",
    "threaded",
    "progress",
    "exit_after",
)
SETTINGS = {
    "timeouts.call": 1.5,
    "timeouts.start": 60.0,
    "limits.frame_bytes": 4_000_000,
    "mounts.backoff_first": 0.01,
    "mounts.circuit_failures": 1000,
}


class Front(Relayed):
    """The rooms put together."""

    def __init__(self, home: Home, policy: Policy) -> None:
        self.telemetry = TelemetryWriter(home, policy.telemetry, Reading(policy))
        self.table = MountTable((), SPAWNER, policy, self)
        self.switchboard = Switchboard(self.table, self._own, no_reader, self.telemetry, policy)

    async def _own(self, name: str, ask: Ask) -> dict[str, Any]:
        return {"content": []}

    def drifted(self, mount: Mount, changed: list[str]) -> None: ...


async def version_of(script: str) -> Version:
    """What qualification would have recorded of a test server."""
    arguments = ["-S", "-B", str(SERVERS / f"{script}.py"), *(["40"] if script == "exit_after" else [])]
    launch = Launch(command=sys.executable, args=arguments, wire=Wire(legacy="2025-11-25"))
    return await recorded(launch, sha256(script.encode()), SPAWNER, Policy())


async def main(root: Path) -> None:
    home = Home.open(root, root / "home", root.parent / "state")
    policy = Policy().override(SETTINGS)
    front = Front(home, policy)
    versions = {script.replace("_", "-"): await version_of(script) for script in SCRIPTS}
    front.table.reconcile(versions)
    stdio = StdioFront(policy, front.table)
    client = Client(stdio.send, Session(id=f"soak-{os.getpid()}", front=str(os.getpid())), fixed=True)
    front.switchboard.clients.add(client)
    await stdio.open(lambda frame: front.switchboard.receive(client, frame))
    turns = [asyncio.create_task(sweep(front)), asyncio.create_task(replace(front, versions))]
    await stdio.ended.wait()
    for task in turns:
        task.cancel()
    await front.switchboard.disconnect(client)
    await asyncio.to_thread(front.telemetry.close, 30.0)
    await front.table.close(0.2)
    await stdio.close()


async def sweep(front: Front) -> None:
    while True:
        await asyncio.sleep(0.2)
        front.switchboard.sweep()


async def replace(front: Front, versions: dict[str, Version]) -> None:
    """Another version of one mount, each second: the calls under way in the old one must not be lost."""
    import msgspec

    for number in itertools.count():
        await asyncio.sleep(1.0)
        name = random.choice(list(versions))
        versions[name] = msgspec.structs.replace(versions[name], digest=sha256(f"{name} {number}".encode()))
        front.table.reconcile(versions)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(Path(sys.argv[1])))
