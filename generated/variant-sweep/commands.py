"""Running a command: watched for time and cancellation, its output kept within bounds, its whole group ended with it.

The same file in each starter artifact that needs it.
"""

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from values import ToolError
from wire import Call

LOOK = 0.02  # seconds between two looks at whether the call was cancelled
MOST_OUTPUT = 1 << 20  # bytes kept of each stream, from its end


class Outcome(NamedTuple):
    """`code` is None where the time was up; `cpu_seconds` counts the command with all that it waited for."""

    code: int | None
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float

    def complaint(self) -> str:
        """What went wrong, in words that show the end of the output; "" where nothing did."""
        if self.code == 0:
            return ""
        what = "took too long" if self.code is None else _ending(self.code)
        tail = (self.stderr.strip() or self.stdout.strip())[-600:]
        return f"{what}; its output ends: {tail}" if tail else f"{what} without any output"


def _ending(code: int) -> str:
    return f"exited with {code}" if code >= 0 else f"was ended by signal {-code}"


def workspace() -> Path:
    """Where commands run and paths begin."""
    return Path(os.environ.get("HARNESSGYM_WORKSPACE") or ".").resolve()


def run(call: Call, command: str | Sequence[str], seconds: float, env: Mapping[str, str] | None = None) -> Outcome:
    """Run a command (a text by the shell) in the workspace; raises Cancelled, ToolError where it cannot start."""
    before, began = _cpu_seconds(), time.perf_counter()
    try:
        process = subprocess.Popen(
            command, shell=isinstance(command, str), cwd=workspace(), env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ToolError(f"the command cannot be started: {error}") from None
    with process:
        try:
            (stdout, stderr), ended = _watch(call, process, began + seconds)
            wall = time.perf_counter() - began
        finally:
            _end(process)
    code = process.returncode if ended else None
    texts = stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
    return Outcome(code, *texts, wall, _cpu_seconds() - before)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(call: Call, process: subprocess.Popen[bytes], deadline: float) -> tuple[list[bytes], bool]:
    """Both outputs, and whether the process came to its end in time."""
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
    kept = dict.fromkeys(pipes, b"")
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(LOOK):
                _take(key.fileobj, kept, selector)  # type: ignore[arg-type]
            call.check()
            if process.poll() is not None and not selector.select(0):
                break  # what still holds the pipes open is a process left behind
            if time.perf_counter() > deadline:
                return list(kept.values()), False
    return list(kept.values()), _wait(call, process, deadline)


def _take(pipe: IO[bytes], kept: dict[IO[bytes], bytes], selector: selectors.BaseSelector) -> None:
    data = os.read(pipe.fileno(), 65536)
    if data:
        kept[pipe] = (kept[pipe] + data)[-MOST_OUTPUT:]
    else:
        selector.unregister(pipe)


def _wait(call: Call, process: subprocess.Popen[bytes], deadline: float) -> bool:
    """For one that has closed its output, as a rule because it ends this moment: did it end in time?"""
    pause = LOOK / 200
    while process.poll() is None:
        if time.perf_counter() > deadline:
            return False
        call.check()
        time.sleep(pause)
        pause = min(pause * 1.1, LOOK)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever is left of its group, itself included."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
