"""Who runs trials where. Every executor does one thing: have `run_trial` done for one id, and its files brought home.

`drive` gives each repetition's trials, one after the other, to one of the executor's places, in the plan's order. A
trial whose process ended without an outcome was lost with its worker: that is an outcome too, and may be retried.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import Trial, remaining
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_plan import Plan

__all__ = ["Executor", "LocalExecutor", "OnOutcome", "drive", "longest"]

OnOutcome = Callable[[Outcome], None]


class Executor(Protocol):
    """Runs trials; `at_once` of them at the same time."""

    @property
    def at_once(self) -> int: ...

    async def run(self, trial: str, tries: int) -> str:
        """Have it run; its folder is complete afterwards. `tries` were made before. Says why the worker was lost, ""
        where it was not. Never raises for what a worker does."""
        ...


async def drive(files: Files, plan: Plan, executor: Executor, on_outcome: OnOutcome = lambda outcome: None) -> None:
    """Run all that remains of a plan, retries (after a pause) included. Cancelled, it leaves what has ended."""

    async def place(groups: Iterator[list[Trial]]) -> None:
        for group in groups:
            for trial in group:
                on_outcome(await _ran(files, executor, trial.id))

    pause = 0.0  # what broke may need a moment: a full disk, a provider, a worker that comes back
    while waiting := remaining(plan.design, files.outcomes(plan)):
        await asyncio.sleep(pause)
        pause = 2 * pause or Policy().override(plan.settings).compare.retry_pause
        groups = iter(_repetitions(waiting))
        try:
            async with asyncio.TaskGroup() as places:
                for _ in range(max(executor.at_once, 1)):
                    places.create_task(place(groups))
        except ExceptionGroup as several:  # the first tells what is wrong; the others were cancelled or are alike
            raise several.exceptions[0] from None


def longest(plan: Plan) -> float:
    """Seconds after which a trial must have ended, whatever happens in it."""
    return plan.design.budget.seconds + plan.score_seconds + Policy().override(plan.settings).compare.grace


class LocalExecutor:
    """A process of this machine for each trial; it ends with us, since it reads a pipe that we hold."""

    def __init__(
        self, files: Files, policy: Policy, seconds: float, state: Path | None = None, most: int | None = None
    ) -> None:
        """`seconds`: what a trial may take at most, until its process is taken for lost. `most`: trials at once."""
        self._files = files
        self._seconds = seconds
        self._state = ["--state", str(state)] if state else []
        self._at_once = most or policy.compare.at_once or max((os.cpu_count() or 2) // 2, 1)

    @property
    def at_once(self) -> int:
        return self._at_once

    async def run(self, trial: str, tries: int) -> str:
        """See Executor."""
        folder = self._files.trial(trial)
        folder.mkdir(parents=True, exist_ok=True)
        words = ["trial", "run", trial, "--out", str(self._files.out), "--tries", str(tries), "--attached", "--quiet"]
        process = await _start([*words, *self._state], folder / "log.txt")
        try:
            async with asyncio.timeout(self._seconds):
                code = await process.wait()
        except TimeoutError:
            return f"no outcome within {self._seconds:.0f} s"
        finally:
            await _end(process)
        return "" if code == 0 else f"its process ended with {code}: {_last_line(folder / 'log.txt')}"


async def _start(words: list[str], log: Path) -> asyncio.subprocess.Process:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "harnessgym_mcp", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    finally:
        os.close(out)


async def _ran(files: Files, executor: Executor, id: str) -> Outcome:
    """The outcome of one try; of one that left none, that it was lost."""
    former = files.outcome(id)
    before = max(files.tries(id), former.tries if former else 0)
    why = await executor.run(id, before)
    outcome = files.outcome(id)
    if outcome and outcome != former:
        return outcome
    files.clear(id)
    tries = max(files.tries(id), before + 1)
    lost = Outcome(trial=id, cause="worker_lost", message=one_line(why or "it left no outcome", 300), tries=tries)
    files.save_outcome(lost)
    return lost


def _repetitions(trials: Sequence[Trial]) -> list[list[Trial]]:
    """The arms of one repetition together."""
    return [list(group) for _, group in itertools.groupby(trials, key=lambda t: (t.task, t.repetition))]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Its pipe closes: it cancels what it does and cleans up; then it is ended the hard way."""
    assert process.stdin is not None
    process.stdin.close()
    if process.returncode is not None:
        return
    try:
        async with asyncio.timeout(30):
            await asyncio.shield(process.wait())
    except (TimeoutError, asyncio.CancelledError):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError, IndexError):
        return one_line(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1], 200)
    return "it said nothing"
