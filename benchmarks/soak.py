"""The switchboard under abuse: several clients on one home, servers that crash, hang, flood and lie, kills, cancels.

    python -m benchmarks.soak [--minutes 0.5] [--clients 3] [--seed 1] [--json]

At its end every request has had exactly one answer (none if it was cancelled), every forwarded call is one row, no
child is left, and neither memory nor descriptors have grown. Exit code 1 where that is not so.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINE = 8_000_000
CALLS = (
    ("echo__echo", {"value": "x"}, 30),
    ("threaded__wait", {"ms": 20, "value": 1}, 12),
    ("crash-on-call__crash", {}, 3),
    ("crash-on-call__abort", {}, 2),
    ("crash-on-call__echo", {"value": 1}, 5),
    ("hang-on-call__hang", {}, 1),
    ("hang-on-call__echo", {"value": 2}, 5),
    ("flood-stdout__flood", {}, 1),
    ("flood-stdout__echo", {"value": 3}, 4),
    ("malformed-json__broken", {}, 3),
    ("malformed-json__echo", {"value": 4}, 4),
    ("progress__work", {"steps": 3, "ms": 5}, 6),
    ("exit-after__echo", {"value": "y" * 20_000}, 10),
)
OTHER = (("ping", {}), ("tools/list", {}), ("no/such", {}), ("tools/call", {"name": "echo__nothing"}))
GARBAGE = (b"garbage\n", b'{"jsonrpc":"2.0"}\n', b'{"id":\n', b"[]\n", b"\xff\xfe\n")


class Agent:
    """One client with a front of its own."""

    def __init__(self, number: int, home: Path, seed: int) -> None:
        self.home = home
        self.dice = random.Random(seed * 1000 + number)
        self.answers: Counter[int] = Counter()
        self.sent: set[int] = set()
        self.cancelled: set[int] = set()
        self.calls = 0
        self.garbage = 0
        self.nameless = 0
        self.kills = 0
        self.worst_wait = 0.0
        self.open: dict[int, float] = {}
        self.first: tuple[int, int] | None = None
        self.last: tuple[int, int] = (0, 0)
        self._news = asyncio.Event()

    async def run(self, until: float) -> None:
        self.front = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.soak_front", str(self.home),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, limit=LINE,
        )  # fmt: skip
        reading = asyncio.create_task(self._read())
        while time.monotonic() < until:
            await self._act()
            await self._settle(24)
            if self.first is None and len(self.sent) > 400:
                self.first = self._size()
        await self._settle(0)
        self.last = self._size()
        self._in.close()
        await self.front.wait()
        await reading

    @property
    def _in(self) -> asyncio.StreamWriter:
        assert self.front.stdin is not None
        return self.front.stdin

    async def _act(self) -> None:
        roll = self.dice.random()
        if roll < 0.85:
            name, arguments, _ = self.dice.choices(CALLS, [weight for *_, weight in CALLS])[0]
            number = self._ask("tools/call", {"name": name, "arguments": arguments})
            self.calls += 1
            if self.dice.random() < 0.03:
                self._cancel(number)
        elif roll < 0.95:
            self._ask(*self.dice.choice(OTHER))
        elif roll < 0.97:
            self._in.write(self.dice.choice(GARBAGE))
            self.garbage += 1
        elif roll < 0.973:
            self._kill()
        await self._in.drain()

    def _ask(self, method: str, params: dict[str, Any]) -> int:
        number = len(self.sent) + 1
        self.sent.add(number)
        self.open[number] = time.monotonic()
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._in.write(json.dumps(message).encode() + b"\n")
        return number

    def _cancel(self, number: int) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}
        self._in.write(json.dumps(message).encode() + b"\n")
        self.cancelled.add(number)
        self.open.pop(number, None)

    def _kill(self) -> None:
        if below := children(self.front.pid):
            os.kill(self.dice.choice(below), signal.SIGKILL)
            self.kills += 1

    async def _settle(self, most: int) -> None:
        """Until no more than so many requests wait for their answer."""
        while len(self.open) > most:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 120)

    async def _read(self) -> None:
        assert self.front.stdout is not None
        while line := await self.front.stdout.readline():
            message = json.loads(line)
            if "method" in message:
                continue
            number = message.get("id")
            if number is None:
                self.nameless += 1
                continue
            self.answers[number] += 1
            began = self.open.pop(number, None)
            self.worst_wait = max(self.worst_wait, time.monotonic() - began if began else 0.0)
            self._news.set()

    def _size(self) -> tuple[int, int]:
        """Resident kilobytes and open descriptors of the front."""
        status = Path(f"/proc/{self.front.pid}/status").read_text()
        rss = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
        return rss, len(os.listdir(f"/proc/{self.front.pid}/fd"))

    def faults(self) -> list[str]:
        out = []
        twice = [n for n, count in self.answers.items() if count > 1]
        missing = [n for n in self.sent - self.cancelled if not self.answers[n]]
        unknown = [n for n in self.answers if n not in self.sent]
        out += [f"{len(twice)} requests were answered twice"] if twice else []
        out += [f"{len(missing)} requests were not answered: {sorted(missing)[:5]}"] if missing else []
        out += [f"{len(unknown)} answers to nothing"] if unknown else []
        out += (
            [f"{self.garbage} damaged frames, {self.nameless} errors for them"] if self.garbage != self.nameless else []
        )
        if self.first:
            out += (
                [f"memory grew from {self.first[0]} to {self.last[0]} KB"]
                if self.last[0] > self.first[0] * 1.5 + 20_000
                else []
            )
            out += (
                [f"descriptors grew from {self.first[1]} to {self.last[1]}"]
                if self.last[1] > self.first[1] + 40
                else []
            )
        return out


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def rows(home: Path) -> int:
    with closing(sqlite3.connect(home / "home" / "telemetry.sqlite")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0])


async def soak(folder: Path, minutes: float, clients: int, seed: int) -> dict[str, Any]:
    home = folder / "workspace"
    home.mkdir()
    agents = [Agent(n, home, seed) for n in range(clients)]
    until = time.monotonic() + minutes * 60
    before = set(children(os.getpid()))
    await asyncio.gather(*(agent.run(until) for agent in agents))
    faults = [f"client {n}: {fault}" for n, agent in enumerate(agents) for fault in agent.faults()]
    calls, recorded = sum(a.calls for a in agents), rows(home)
    faults += [f"{calls} calls, {recorded} rows"] if calls != recorded else []
    left = set(children(os.getpid())) - before
    faults += [f"{len(left)} children are left"] if left else []
    return {
        "minutes": minutes,
        "clients": clients,
        "seed": seed,
        "requests": sum(len(a.sent) for a in agents),
        "calls": calls,
        "rows": recorded,
        "cancelled": sum(len(a.cancelled) for a in agents),
        "damaged_frames": sum(a.garbage for a in agents),
        "kills": sum(a.kills for a in agents),
        "longest_wait_s": round(max(a.worst_wait for a in agents), 2),
        "memory_kb": [[a.first[0] if a.first else None, a.last[0]] for a in agents],
        "descriptors": [[a.first[1] if a.first else None, a.last[1]] for a in agents],
        "faults": faults,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harnessgym-soak-") as folder:
        result = asyncio.run(soak(Path(folder), arguments.minutes, arguments.clients, arguments.seed))
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:>16}  {value}" for name, value in result.items()))
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
