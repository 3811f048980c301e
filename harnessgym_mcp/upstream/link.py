"""One child process's pipes: frames in, frames out, stderr drained, death told once.

`Link` knows bytes and framing, nothing of MCP. It is spawned from the main thread (a child that dies with its
parent dies with the spawning thread) and never blocks: what the child does not read is counted in `unsent`.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol, cast

from harnessgym_mcp.core.framing import Splitter, with_headers, with_newline
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import clean, cut
from harnessgym_mcp.errors import UpstreamStartError
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.pipes import End, Pipes
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.upstream.outlet import Outlet, take

__all__ = ["Framing", "Link", "LinkEvents"]

Framing = Literal["ndjson", "headers"]
_DRAIN = 0.05  # seconds in which a dead child's last output may still arrive


class LinkEvents(Protocol):
    """What the owner of a link is told; all of it on the event loop, none of it may block."""

    def frame(self, frame: bytes) -> None: ...
    def stray(self, line: bytes) -> None: ...
    def oversize(self, head: bytes) -> None: ...
    def gone(self, status: str) -> None: ...
    def writable(self) -> None: ...


class _Stdin(asyncio.Protocol):
    """Our end of the child's stdin."""

    def __init__(self, link: "Link") -> None:
        self._link = link

    def pause_writing(self) -> None:
        self._link.pause_writing()

    def resume_writing(self) -> None:
        self._link.resume_writing()


class _Output(asyncio.Protocol):
    """Our end of the child's stdout or stderr."""

    def __init__(self, take: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._take = take
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()


class Link(asyncio.SubprocessProtocol):
    """A running child. Make it with `await Link.open(...)`."""

    def __init__(self, prepared: Prepared, events: LinkEvents, limits: Limits, framing: Framing) -> None:
        self.framing: Framing = framing
        self.writable = True  # False while the child does not read
        self.exited = asyncio.Event()
        self._prepared = prepared
        self._events = events
        self._splitter = Splitter(limits.frame_bytes, self._frame, events.stray, events.oversize)
        self._stderr: deque[bytes] = deque()
        self._stderr_size = 0
        self._stderr_most = limits.stderr_bytes
        self._told = False
        self._code: int | None = None
        self._outputs = 2  # of stdout and stderr, how many are open

    @classmethod
    async def open(cls, prepared: Prepared, events: LinkEvents, limits: Limits, framing: Framing = "ndjson") -> "Link":
        """Spawn; raises UpstreamStartError when the program cannot be executed."""
        link = cls(prepared, events, limits, framing)
        try:
            pipes = Pipes.new()
            try:
                await link._spawn(pipes)
            finally:
                pipes.close_child()
        except (OSError, ValueError) as error:
            raise UpstreamStartError(f"cannot execute {prepared.argv[0]}: {error}", hint="check `command`") from error
        finally:
            prepared.release()
        return link

    _transport: asyncio.SubprocessTransport | None = None
    _stdin: Outlet | None = None  # as the others, from when `open` has made it
    _stdout: asyncio.ReadTransport | None = None
    _errors: asyncio.ReadTransport | None = None
    pid: int

    async def _spawn(self, pipes: Pipes) -> None:
        loop = asyncio.get_running_loop()
        prepared = self._prepared
        stdin, stdout, stderr = pipes.child
        files = [End(descriptor) for descriptor in pipes.ours]
        try:
            await loop.subprocess_exec(
                lambda: self,
                *prepared.argv,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=prepared.env,
                cwd=prepared.cwd,
                pass_fds=prepared.pass_fds,
                start_new_session=True,
            )
            stdin_transport, _ = await loop.connect_write_pipe(lambda: _Stdin(self), files[0])
            self._stdin = Outlet(stdin_transport)
            self._errors, _ = await loop.connect_read_pipe(lambda: _Output(self._keep_stderr, self._ended), files[2])
            self._stdout, _ = await loop.connect_read_pipe(lambda: _Output(self._read, self._ended), files[1])
        except BaseException:  # also when the start is called off half-way
            if self._transport:
                await self.close(0.0)
            for file in files:
                file.close()
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()

    # ---- out

    def send(self, frame: bytes) -> None:
        """Queue one frame in the child's framing; dropped when the child's stdin is closed."""
        if self._stdin:
            self._stdin.send(with_headers(frame) if self.framing == "headers" else with_newline(frame))

    @property
    def unsent(self) -> int:
        """Bytes that the child has not taken yet."""
        return self._stdin.transport.get_write_buffer_size() if self._stdin else 0

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._events.writable()

    def set_reading(self, on: bool) -> None:
        """Stop or go on taking the child's output (back-pressure)."""
        if self._stdout is None or self._stdout.is_closing():
            return
        with contextlib.suppress(RuntimeError):  # already in that state
            self._stdout.resume_reading() if on else self._stdout.pause_reading()

    # ---- in

    def _read(self, data: bytes) -> None:
        take(self._splitter.feed, data)

    def _frame(self, frame: bytes) -> None:
        if self._splitter.headers:
            self.framing = "headers"
            frame = frame.replace(b"\n", b" ")
        if b"\r" in frame:  # white space between tokens, as newlines are; it must not end the line downstream
            frame = frame.replace(b"\r", b" ")
        self._events.frame(frame)

    def _keep_stderr(self, data: bytes) -> None:
        self._stderr.append(data[-self._stderr_most :])
        self._stderr_size += len(self._stderr[-1])
        while self._stderr_size - len(self._stderr[0]) >= self._stderr_most:
            self._stderr_size -= len(self._stderr.popleft())

    def stderr_tail(self, most: int = 800) -> str:
        """The end of what the child wrote to stderr, made harmless."""
        text = clean(b"".join(self._stderr).decode("utf-8", "replace")).strip()
        return text if len(text) <= most else "…" + cut(text[-most:], most)

    # ---- end

    def _ended(self) -> None:
        self._outputs -= 1
        self._end()

    def process_exited(self) -> None:
        self._code = self._transport.get_returncode() if self._transport else None
        self.exited.set()
        if self._stdin and not self._stdin.transport.is_closing():
            self._stdin.transport.abort()  # nobody reads it any more
        self._end()

    def _end(self) -> None:
        """Told at once when all is over. Else a child without outputs, which can answer nothing, is given a moment to
        exit by itself; and the last output of a dead one a moment to arrive (what it left behind may hold it open)."""
        if self._code is not None and not self._outputs:
            self._tell()
        else:
            asyncio.get_running_loop().call_later(_DRAIN, self._tell_if_over)

    def _tell_if_over(self) -> None:
        if self._code is not None or (self._stdout and self._stdout.is_closing()):
            self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._events.gone(self.status)

    @property
    def status(self) -> str:
        """How the child ended, in words."""
        if self._code is None:
            return "closed its stdout"
        if self._code < 0:
            return f"killed by {signal.Signals(-self._code).name}"
        return f"exited with code {self._code}"

    def kill(self) -> None:
        """SIGKILL to the child and all it started; blocks for some milliseconds while it runs."""
        if self._code is None:
            kill_all(self.pid, self._prepared.tag)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def close(self, grace: float) -> bool:
        """EOF, then SIGKILL after `grace` seconds; True when the child left by itself. Idempotent."""
        if self._stdin:
            self._stdin.transport.close()
        self.set_reading(True)
        try:
            async with asyncio.timeout(grace):
                await self.exited.wait()
            left = True
        except TimeoutError:
            left = False
        self.kill()  # also whatever the child left behind in its group
        await self.exited.wait()
        for transport in (self._stdout, self._errors, self._transport):
            if transport:
                transport.close()
        await asyncio.to_thread(self._prepared.close)
        return left
