"""What the switchboard adds to a call, beside the server itself, a bare relay and what else relays MCP.

    python -m benchmarks.overhead [--json] [--calls N] [--only part,part] [--install] [--quick]
    python -m benchmarks.overhead --render docs/measured/overhead.json docs/performance.md [--check]

Parts: pinned, latency, throughput, start, memory, stalls, recording. All arms run in one run, in turns: what
disturbs the machine disturbs all alike. Medians, ratios, and the load average before and after. In our arms the mounted
server runs in the sandbox that this machine gives; in the others it runs bare. `--install` puts the others (fastmcp,
mcp-proxy, mcp-hub, lazy-mcp) into a cache folder first ($HARNESSGYM_FIELD); what is not there is left out, and said.
`--render` writes a page's tables from the JSON, `--check` only sees whether the page has them.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.arms import install, versions
from benchmarks.bench import QUICK, ROOT, Bench, Plan
from benchmarks.clients import close_all
from benchmarks.latency import latency, pinned
from benchmarks.recording import recording
from benchmarks.stalls import stalls
from benchmarks.startup import memory, start_up
from benchmarks.tables import plain, write
from benchmarks.throughput import throughput

PARTS: dict[str, Callable[[Bench, Plan], Any]] = {
    "pinned": pinned,
    "latency": latency,
    "throughput": throughput,
    "start": start_up,
    "memory": memory,
    "stalls": stalls,
    "recording": recording,
}
MOST = 900  # seconds for one part


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raises TimeoutError inside when the time is over."""

    def over(*_: object) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{os.cpu_count()} x {model}, {system}, Python {platform.python_version()}"


def load() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()]


def measure(plan: Plan, parts: list[str], quick: bool) -> dict[str, Any]:
    """`run` (machine, load, versions, calls, seconds, quick, failed) and each part's figures."""
    precompile()
    began, before, failed = time.monotonic(), load(), {}
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="harnessgym-bench-") as folder:
        bench = Bench(Path(folder))
        for name in parts:
            try:
                with within(MOST):
                    result[name] = PARTS[name](bench, plan)
            except (AssertionError, OSError, ValueError, KeyError) as error:
                failed[name] = f"{type(error).__name__}: {error}"
            finally:
                close_all()
    run = {
        "machine": machine(),
        "load": {"begin": before, "end": load()},
        "versions": versions(),
        "calls": plan.calls,
        "quick": quick,
        "seconds": round(time.monotonic() - began, 1),
        "failed": failed,
    }
    return {"run": run, **result}


def precompile() -> None:
    """So that no arm compiles while it is measured."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    folders = [str(ROOT / name) for name in ("harnessgym_mcp", "benchmarks")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], env=environment, check=False)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    parser.add_argument("--calls", type=int, metavar="N", help=f"small calls of each arm ({Plan().calls})")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="PART,...", default=list(PARTS))
    parser.add_argument("--install", action="store_true", help="install the others first")
    parser.add_argument("--quick", action="store_true", help="tiny counts: tries the parts, measures nothing")
    parser.add_argument("--render", nargs=2, type=Path, metavar=("JSON", "PAGE"), help="write the page's tables")
    parser.add_argument("--check", action="store_true", help="with --render: only compare")
    given = parser.parse_args(argv)
    if unknown := set(given.only) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.calls is not None and given.calls < 1:
        parser.error("--calls is at least 1")
    return given


def render(figures: Path, page: Path, check: bool) -> int:
    try:
        same = write(page, json.loads(figures.read_text()), check)
    except (OSError, ValueError, KeyError) as error:
        print(f"not rendered: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    if not same:
        print(f"{page} has other tables than {figures}: run it without --check", file=sys.stderr)
    return 0 if same else 1


def main(argv: list[str]) -> int:
    given = parse(argv)
    if given.render:
        figures, page = given.render
        return render(figures, page, given.check)
    for trouble in install() if given.install else []:
        print(f"not installed: {trouble}", file=sys.stderr)
    plan = QUICK if given.quick else Plan()
    result = measure(plan._replace(calls=given.calls or plan.calls), given.only, given.quick)
    print(json.dumps(result, indent=1) if given.json else plain(result))
    for part, why in result["run"]["failed"].items():
        print(f"{part} failed: {why}", file=sys.stderr)
    return 1 if result["run"]["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
