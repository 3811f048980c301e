"""Trials on a Ray cluster (the extra `ray`). A worker runs `harnessgym trial run`; this only carries files.

Plan, workspaces, held-out files and bundle travel once, as one object, and are kept on each node under their digest;
each node qualifies the bundle itself, once. What a trial left (outcome, transcripts, telemetry rows) comes home as the
task's result. A worker that dies is an infrastructure failure: the trial is run again, as its design grants.

The workers need this package installed, and whatever the agent needs.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, StateError, UsageError
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_folders import pack, unpack
from harnessgym_mcp.gym.compare_plan import Plan
from harnessgym_mcp.gym.executors import longest
from harnessgym_mcp.store.home import default_state, hex_of

__all__ = ["RayExecutor", "run_there"]


class RayExecutor:
    """An Executor within a `with` block. Without an address it starts a cluster on this machine, and ends it."""

    def __init__(
        self, files: Files, plan: Plan, *, address: str = "", cpus: float = 1, gpus: float = 0, most: int | None = None
    ) -> None:
        """`cpus` and `gpus` are reserved for each trial; `most` trials run at once, as many as fit by default."""
        self._files = files
        self._plan = plan
        self._address = address
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        self._most = most
        self._ray: Any = None
        self._package: Any = None
        self._digest = ""
        self._task: Any = None

    def __enter__(self) -> Self:
        """Raises UsageError without Ray, HarnessGymError where there is no cluster."""
        self._ray = _started(self._address)
        data = pack(self._files.out, ["plan.json", *(f"inputs/{hex_of(d)}" for d in self._plan.folders)])
        self._digest = sha256(data)
        self._package = self._ray.put(data)
        self._task = self._ray.remote(run_there).options(max_retries=0, **self._resources)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ray.shutdown()

    @property
    def at_once(self) -> int:
        """As many as the cluster's processors and devices allow."""
        if self._most:
            return self._most
        there = self._ray.cluster_resources()
        wanted = {"CPU": self._resources["num_cpus"], "GPU": self._resources["num_gpus"]}
        return (
            max(int(min(there.get(name, 0) / n for name, n in wanted.items() if n)), 1) if any(wanted.values()) else 1
        )

    async def run(self, trial: str, tries: int) -> str:
        """See Executor."""
        answer = self._task.remote(self._package, self._digest, trial, tries, longest(self._plan))
        try:
            data = await answer
        except asyncio.CancelledError:
            self._ray.cancel(answer, force=True)
            raise
        except self._ray.exceptions.RayError as error:
            return f"{type(error).__name__}: {_last_line(str(error))}"
        await asyncio.to_thread(self._bring_home, data, trial)
        return ""

    def _bring_home(self, data: bytes, trial: str) -> None:
        """The outcome last: until then the trial counts as not run."""
        with tempfile.TemporaryDirectory(prefix="harnessgym-home-") as folder:
            there = Files(Path(folder))
            unpack(data, there.out)
            self._files.trial(trial).mkdir(parents=True, exist_ok=True)
            for found in there.trial(trial).glob("try-*"):
                shutil.copytree(found, self._files.trial(trial) / found.name, dirs_exist_ok=True)
            outcome = there.outcome(trial)
            if outcome is not None:
                self._files.save_outcome(outcome)


def run_there(package: bytes, digest: str, trial: str, tries: int, seconds: float) -> bytes:
    """On a worker: run one trial of a package that is kept on this node; gives its folder as an archive.

    The trial's process reads a pipe that this one holds: when the worker is killed, the trial ends too.
    """
    files = Files(_unpacked(package, digest))
    words = ["trial", "run", trial, "--out", str(files.out), "--tries", str(tries), "--attached", "--quiet"]
    with tempfile.TemporaryFile() as log:
        code = _run([sys.executable, "-P", "-m", "harnessgym_mcp", *words], log, seconds)
        if code:
            log.seek(0)
            said = _last_line(log.read().decode("utf-8", "replace"))
            raise HarnessGymError(f"the trial's process ended with {code}: {said}")
    return pack(files.out, [f"trials/{trial}"])


def _run(command: list[str], log: IO[bytes], seconds: float) -> int:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _last_line(text: str) -> str:
    """Of a traceback the end is what tells something."""
    return one_line(next(filter(str.strip, reversed(text.splitlines())), "it said nothing"), 300)


def _unpacked(package: bytes, digest: str) -> Path:
    """Unpacked once for each node, by whoever is first."""
    root = default_state() / "comparisons" / hex_of(digest)
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=root.parent))
    try:
        unpack(package, new)
        os.rename(new, root)
    except OSError as error:
        if not root.is_dir():
            raise StateError(f"cannot keep the comparison in {str(root)!r}: {error}", hint="XDG_STATE_HOME") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return root


def _started(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed", hint="pip install 'harnessgym-mcp[ray]'") from error
    how: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
    try:
        ray.init(log_to_driver=False, configure_logging=False, ignore_reinit_error=True, **how)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise HarnessGymError(f"no Ray cluster: {one_line(str(error), 300)}", hint="--address HOST:PORT") from error
    return ray
