"""One child process's pipes: frames in, frames out, stderr drained, death told once.

`Link` knows bytes and framing, nothing of MCP. It is spawned from the main thread (a child that dies with its
parent dies with the spawning thread) and never blocks: what the child does not read is counted in `unsent`.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from typing import Literal, Protocol, cast

from harnessgym_mcp.core.framing import Splitter, with_headers, with_newline
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import clean, cut
from harnessgym_mcp.errors import UpstreamStartError
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.sandbox import Prepared

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


class Link(asyncio.SubprocessProtocol):
    """A running child. Make it with `await Link.open(...)`."""

    def __init__(self, events: LinkEvents, limits: Limits, framing: Framing) -> None:
        self.framing: Framing = framing
        self.writable = True  # False while the child does not read
        self.exited = asyncio.Event()
        self._events = events
        self._splitter = Splitter(limits.frame_bytes, self._frame, events.stray, events.oversize)
        self._stderr: deque[bytes] = deque()
        self._stderr_size = 0
        self._stderr_most = limits.stderr_bytes
        self._told = False
        self._code: int | None = None

    @classmethod
    async def open(cls, prepared: Prepared, events: LinkEvents, limits: Limits, framing: Framing = "ndjson") -> "Link":
        """Spawn; raises UpstreamStartError when the program cannot be executed."""
        loop = asyncio.get_running_loop()
        try:
            _, link = await loop.subprocess_exec(
                lambda: cls(events, limits, framing),
                *prepared.argv,
                env=prepared.env,
                cwd=prepared.cwd,
                pass_fds=prepared.pass_fds,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise UpstreamStartError(f"cannot execute {prepared.argv[0]}: {error}", hint="check `command`") from error
        finally:
            prepared.release()
        link._prepared = prepared
        return link

    _transport: asyncio.SubprocessTransport
    _stdin: asyncio.WriteTransport
    _prepared: Prepared
    pid: int

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before `open` goes on: a child that dies at once is told of before that.
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        self.pid = self._transport.get_pid()

    # ---- out

    def send(self, frame: bytes) -> None:
        """Queue one frame in the child's framing; dropped when the child's stdin is closed."""
        if not self._stdin.is_closing():
            self._stdin.write(with_headers(frame) if self.framing == "headers" else with_newline(frame))

    @property
    def unsent(self) -> int:
        """Bytes that the child has not taken yet."""
        return self._stdin.get_write_buffer_size()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._events.writable()

    def set_reading(self, on: bool) -> None:
        """Stop or go on taking the child's output (back-pressure)."""
        stdout = cast(asyncio.ReadTransport | None, self._transport.get_pipe_transport(1))
        if stdout is None or stdout.is_closing():
            return
        with contextlib.suppress(RuntimeError):  # already in that state
            stdout.resume_reading() if on else stdout.pause_reading()

    # ---- in

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._splitter.feed(data)
        else:
            self._keep_stderr(data)

    def _frame(self, frame: bytes) -> None:
        if self._splitter.headers:
            self.framing = "headers"
        if b"\n" in frame or b"\r" in frame:  # white space between tokens; it must not end the line downstream
            frame = frame.replace(b"\n", b" ").replace(b"\r", b" ")
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

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            # A server without stdout can answer nothing; it is given a moment to exit by itself.
            asyncio.get_running_loop().call_later(0 if self._code is not None else _DRAIN, self._tell)

    def process_exited(self) -> None:
        self._code = self._transport.get_returncode()
        self.exited.set()
        asyncio.get_running_loop().call_later(_DRAIN, self._tell)

    def connection_lost(self, exc: Exception | None) -> None:
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
        self._stdin.close()
        self.set_reading(True)
        try:
            async with asyncio.timeout(grace):
                await self.exited.wait()
            left = True
        except TimeoutError:
            left = False
        self.kill()  # also whatever the child left behind in its group
        await self.exited.wait()
        self._transport.close()
        await asyncio.to_thread(self._prepared.close)
        return left
