"""What does each sandbox tier add to a server's start? Interleaved, so that the machine's moods hit all alike.

Run with `python -m benchmarks.sandbox [rounds] [FILE]`; prints the median time from spawn to exit, in ms, of a
shell and of a Python interpreter, and what each tier adds to the bare start; FILE gets the medians as JSON.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.sandbox import Prepared, Sandbox
from harnessgym_mcp.proc.toolchain import find_toolchain

COMMANDS: dict[str, list[str]] = {
    "sh": ["/bin/sh", "-c", ":"],
    "python": [str(find_toolchain().python), "-I", "-S", "-c", ""],
}
SEED = 1


def sandboxes(state: Path) -> dict[str, Sandbox]:
    """Those that work here, by tier."""
    found: dict[str, Sandbox] = {}
    for tier in "ABD":
        try:
            found[tier] = choose_sandbox(Isolation(tier=tier), state)
        except IsolationError as error:
            print(f"tier {tier} left out: {error.message}")
    return found


def timed(prepared: Prepared) -> float:
    """Milliseconds from spawn to exit."""
    start = time.perf_counter()
    process = subprocess.Popen(
        prepared.argv, env=prepared.env, cwd=prepared.cwd, pass_fds=prepared.pass_fds, start_new_session=True
    )
    prepared.release()
    code = process.wait()
    elapsed = (time.perf_counter() - start) * 1000
    if code:
        raise SystemExit(f"{prepared.argv[:2]} ended with {code}")
    return elapsed


def once(sandbox: Sandbox | None, room: Room, command: Sequence[str]) -> float:
    """The preparation counts: a live start pays it too."""
    start = time.perf_counter()
    prepared = sandbox.prepare(room, command, "/") if sandbox else Prepared(list(command), {}, "/")
    preparing = (time.perf_counter() - start) * 1000
    try:
        return preparing + timed(prepared)
    finally:
        prepared.close()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "artifact").mkdir()
        (base / "data").mkdir()
        room = Room(base / "artifact", base / "data", Bounds.of(Isolation()))
        tiers: dict[str, Sandbox | None] = {"bare": None, **sandboxes(base)}
        times: dict[tuple[str, str], list[float]] = {(tier, name): [] for tier in tiers for name in COMMANDS}
        order = list(times)
        shuffle = random.Random(SEED).shuffle
        for _ in range(rounds):
            shuffle(order)
            for tier, name in order:
                times[tier, name].append(once(tiers[tier], room, COMMANDS[name]))
    medians = {name: {tier: round(statistics.median(times[tier, name]), 2) for tier in tiers} for name in COMMANDS}
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps({"rounds": rounds, "median_ms": medians}, indent=1) + "\n")
    for name in COMMANDS:
        bare = statistics.median(times["bare", name])
        for tier in tiers:
            median = statistics.median(times[tier, name])
            print(f"{name:8}{tier:6}{median:8.1f} ms  {median - bare:+7.1f} ms  {median / bare:5.2f}x")


if __name__ == "__main__":
    main()
