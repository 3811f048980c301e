"""Waiting for what an interrupted run left behind: its agent is ended by its supervisor, which takes a moment.

Everything that a run starts carries its id in the environment, so it can be found, and only it.
"""

import asyncio
import os
import signal
import time

from harnessgym_mcp.core.policy import Loop
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.proc.processes import find_variable, start_time

__all__ = ["RUN_VARIABLE", "outlast"]

RUN_VARIABLE = "HARNESSGYM_RUN"
_PAUSE = 0.05


async def outlast(run: str, rules: Loop) -> None:
    """Until no process of the run is left; what stays half the time is killed. Raises StateError for what remains."""
    begin = time.monotonic()
    while left := await asyncio.to_thread(_living, run):
        spent = time.monotonic() - begin
        if spent > rules.survivors:
            pids = ", ".join(map(str, left))
            raise StateError(f"processes of the interrupted run are still there: {pids}", hint="end them, then resume")
        if spent > rules.survivors / 2:
            _kill(left)
        await asyncio.sleep(_PAUSE)


def _living(run: str) -> dict[int, int]:
    """pid -> start time, which tells it from a later process of its number."""
    return {pid: start_time(pid) for pid, value in find_variable(RUN_VARIABLE) if value == run and pid != os.getpid()}


def _kill(processes: dict[int, int]) -> None:
    for pid, started in processes.items():
        if started and start_time(pid) == started:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
