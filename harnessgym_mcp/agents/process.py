"""Run one program to its end: fed on stdin, its output kept in files and read line by line, in bounded time and space.

The program runs under `supervisor.py`: its own session, SIGTERM then SIGKILL for the whole tree on timeout, and no
process left behind when `run` returns, whether the program daemonised something or this process was cancelled. If
this process is killed, the supervisor ends the program.
"""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harnessgym_mcp.agents import supervisor
from harnessgym_mcp.core.policy import Agents

__all__ = ["Ending", "Program", "run"]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `env` is the whole environment."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    timeout: float
    stdout: Path
    stderr: Path
    stdin: bytes = b""
    rules: Agents = field(default_factory=Agents)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. `code` -N: by signal N; None with a `problem`: it never started, or it was lost."""

    code: int | None = None
    seconds: float = 0.0  # until the program itself ended
    timed_out: bool = False
    stopped: bool = False
    problem: str = ""
    lost: bool = False  # its supervisor was killed, by us when it was stuck: how the program fared is not known
    leftovers: int = 0  # processes that had to be ended after it
    dropped: int = 0  # bytes of output beyond the transcripts' bound
    skipped: int = 0  # lines of stdout too long to be read


async def run(program: Program, on_line: Callable[[bytes], None] = lambda _: None) -> Ending:
    """Run it; `on_line` gets each line of stdout without its newline. Cancellation ends the whole tree first."""
    start = time.monotonic()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    out, err = _Sink(program.stdout, program.rules), _Sink(program.stderr, program.rules)
    lines = _Lines(on_line, program.rules.line_bytes)
    with ours, out, err:
        with theirs:
            transport, watch = await _start(theirs.fileno(), {1: (out, lines), 2: (err, None)})
        try:
            await asyncio.get_running_loop().sock_sendall(ours, _job(program))
            _feed(transport, program.stdin)
            late = await _until_gone(watch, ours, program)
        finally:
            transport.close()
        lines.end()
        answer = await _answer(ours, late, time.monotonic() - start)
    return msgspec.structs.replace(answer, dropped=out.dropped + err.dropped, skipped=lines.skipped)


def _job(program: Program) -> bytes:
    rules = program.rules
    job = {
        "argv": list(program.argv),
        "env": dict(program.env),
        "cwd": str(program.cwd),
        "timeout": program.timeout,
        "settle": rules.settle,
        "grace": rules.grace,
    }
    return json.dumps(job).encode() + b"\n"


async def _start(fd: int, sinks: dict[int, Any]) -> tuple[asyncio.SubprocessTransport, "_Watch"]:
    script = str(Path(supervisor.__file__).resolve())
    return await asyncio.get_running_loop().subprocess_exec(
        lambda: _Watch(sinks),
        *(sys.executable, "-I", "-S", script, str(fd)),
        pass_fds=(fd,),
        env={},
        start_new_session=True,
    )


def _feed(transport: asyncio.SubprocessTransport, data: bytes) -> None:
    """The loop writes it as the program reads it; a program that does not read is no error."""
    pipe = transport.get_pipe_transport(0)
    assert isinstance(pipe, asyncio.WriteTransport)
    pipe.write(data)
    pipe.write_eof()


async def _until_gone(watch: "_Watch", lifeline: socket.socket, program: Program) -> bool:
    """Wait for the supervisor's exit; True when it was stuck. Cancelled: cut the lifeline, wait for the tree to end."""
    rules = program.rules
    ending = rules.settle + rules.grace + rules.stuck
    try:
        return await _gone(watch, program.timeout + ending, rules.drain)
    except asyncio.CancelledError:
        lifeline.shutdown(socket.SHUT_WR)
        await _shielded(_gone(watch, ending, rules.drain))
        raise


async def _gone(watch: "_Watch", seconds: float, drain: float) -> bool:
    stuck = not await _in_time(watch.exited, seconds)
    if stuck:
        watch.kill()
        await watch.exited.wait()
    await _in_time(watch.drained, drain)  # else something beyond our reach holds a pipe, and speaks for nobody
    return stuck


async def _in_time(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _shielded(work: Any) -> None:
    """Finish `work` though this task is being cancelled, again and again if need be."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue


async def _answer(ours: socket.socket, late: bool, seconds: float) -> Ending:
    """The supervisor's one line; it has exited, so this does not wait."""
    got = b""
    with contextlib.suppress(OSError):  # reset: it was killed with our job unread
        while chunk := await asyncio.get_running_loop().sock_recv(ours, 65536):
            got += chunk
    if got.endswith(b"\n"):
        return msgspec.json.decode(got, type=Ending)
    problem = "the supervising process was stuck" if late else "the supervising process was killed"
    return Ending(seconds=seconds, timed_out=late, problem=problem, lost=True)


class _Watch(asyncio.SubprocessProtocol):
    """Hands output on as it comes, tells of the exit though a pipe may still be open."""

    def __init__(self, sinks: dict[int, tuple["_Sink", "_Lines | None"]]) -> None:
        self._sinks = sinks
        self._open = set(sinks)
        self._transport: asyncio.SubprocessTransport | None = None
        self.exited = asyncio.Event()
        self.drained = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        sink, lines = self._sinks[fd]
        sink.write(data)
        if lines:
            lines.feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.drained.set()

    def process_exited(self) -> None:
        self.exited.set()

    def kill(self) -> None:
        """Kill the supervisor, and first what it can no longer end."""
        if self._transport:
            supervisor.signal_below(self._transport.get_pid(), signal.SIGKILL)
            self._transport.kill()


class _Sink:
    """A transcript file of bounded size; what is beyond is counted and told in its last line."""

    def __init__(self, path: Path, rules: Agents) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb", buffering=0)
        self._room = rules.transcript_bytes
        self.dropped = 0

    def __enter__(self) -> "_Sink":
        return self

    def __exit__(self, *_: object) -> None:
        with self._file, contextlib.suppress(OSError):
            if self.dropped:
                self._file.write(b"\n[%d bytes more were not kept]\n" % self.dropped)

    def write(self, data: bytes) -> None:
        kept = 0
        try:
            kept = self._file.write(data[: self._room])
        except OSError:  # a full disk must not end the agent
            pass
        self._room -= kept
        self.dropped += len(data) - kept


class _Lines:
    """Cuts a byte stream into lines of bounded length."""

    def __init__(self, on_line: Callable[[bytes], None], most: int) -> None:
        self._on_line, self._most = on_line, most
        self._parts: list[bytes] = []
        self._held = 0
        self.skipped = 0

    def feed(self, data: bytes) -> None:
        first, *rest = data.split(b"\n")
        self._hold(first)
        for part in rest:
            self.end()
            self._hold(part)

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held <= self._most:
            self._parts.append(part)
        else:
            self._parts.clear()

    def end(self) -> None:
        """A line is complete, or the stream is."""
        if self._held > self._most:
            self.skipped += 1
        elif self._held:
            self._on_line(b"".join(self._parts))
        self._parts.clear()
        self._held = 0
