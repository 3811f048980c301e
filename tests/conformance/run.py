"""Runs the suite against our fronts and says what failed; the exit code is 1 when any scenario did.

python -m tests.conformance.run [http|stdio|direct]...     with the suite's `conformance` on the PATH
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
REVISIONS = ("2025-11-25", "2026-07-28")
_LINE = re.compile(r"^([✓✗]) (\S+): (\d+) passed, (\d+) failed", re.MULTILINE)
_START = 60.0  # seconds until a front has to answer
_RUN = 900.0  # seconds for all scenarios of one revision


def command(front: str, port: int) -> list[str]:
    python, composed = sys.executable, str(HERE / "composed.py")
    return {
        "http": [python, composed, "--http", str(port)],
        "stdio": [python, str(HERE / "shim.py"), str(port), python, composed],
        "direct": [python, str(HERE / "everything_server.py"), "--http", str(port)],
    }[front]


@contextlib.contextmanager
def served(front: str) -> Iterator[str]:
    """The front's address, while it runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    process = subprocess.Popen(command(front, port), stdout=subprocess.DEVNULL, env=environment)
    address = f"http://127.0.0.1:{port}/mcp"
    try:
        _await(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _await(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers, if only to say that a GET is not what it wants
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)  # its end is an event; that it listens is none
        else:
            return
    raise SystemExit(f"{address} did not begin to answer")


def scenarios(address: str, revision: str) -> dict[str, bool]:
    """Each server scenario that the revision has, extensions aside, and whether it passed."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        done = subprocess.run(
            ["conformance", "server", "--url", address, "--requirements", revision, "-o", folder],
            capture_output=True,
            text=True,
            timeout=_RUN,
            check=False,
        )
    summary = done.stdout.rpartition("=== SUMMARY ===")[2]
    # Tasks are an extension: it is the mounted server that would have them, not the front.
    found = {name: mark == "✓" for mark, name, _, _ in _LINE.findall(summary) if not name.startswith("tasks-")}
    for name in (name for name, passed in found.items() if not passed):
        print(_excerpt(done.stdout, name), file=sys.stderr)
    if not found:
        raise SystemExit(f"the suite told nothing:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found


def _excerpt(output: str, name: str) -> str:
    part = output.partition(f"=== Running scenario: {name} ===")[2].partition("=== Running scenario")[0]
    return "\n".join(line[:400] for line in part.splitlines() if "FAILURE" in line or "rror" in line)


def main(fronts: list[str]) -> int:
    failed = 0
    for front in fronts:
        for revision in REVISIONS:
            with served(front) as address:
                found = scenarios(address, revision)
            wrong = sorted(name for name, passed in found.items() if not passed)
            failed += len(wrong)
            print(f"{front:>6}  {revision}  {len(found) - len(wrong)}/{len(found)}  {' '.join(wrong)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name] or ["http", "stdio"]))
