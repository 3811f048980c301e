"""The stdio front: frames on stdin and stdout, nothing else there, ended by EOF or a signal.

Stdout that is not read holds its bytes back in the transport's buffer; above a bound the mounts' outputs are no
longer read either, so that memory stays bounded and no frame is lost.
"""

import asyncio
import contextlib
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from harnessgym_mcp.core.frames import PARSE_ERROR, error_reply
from harnessgym_mcp.core.framing import Part, Splitter, with_newline
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.proc.pipes import End, widen
from harnessgym_mcp.upstream.outlet import Outlet, take

__all__ = ["StdioFront"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Valve(Protocol):
    """Where the front holds the upstream side back while its client does not read."""

    def hold(self) -> None: ...
    def release(self) -> None: ...


class _Writer(asyncio.Protocol):
    """Stdout's flow control."""

    def __init__(self, valve: Valve, flushed: asyncio.Event, lost: Callable[[], None]) -> None:
        self._valve = valve
        self._flushed = flushed
        self._lost = lost

    def pause_writing(self) -> None:
        self._flushed.clear()
        self._valve.hold()

    def resume_writing(self) -> None:
        self._flushed.set()
        self._valve.release()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()


class _Reader(asyncio.Protocol):
    """Stdin's bytes, split into frames."""

    def __init__(self, splitter: Splitter, end: Callable[[], None]) -> None:
        self._splitter = splitter
        self._end = end

    def data_received(self, data: bytes) -> None:
        take(self._splitter.feed, data)

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()


class StdioFront:
    """One client on this process's stdin and stdout."""

    def __init__(self, policy: Policy, valve: Valve) -> None:
        self.ended = asyncio.Event()
        self.hurried = asyncio.Event()  # by a signal, or by a client that reads no more: nothing is waited for
        self.reason = ""
        self._policy = policy
        self._valve = valve
        self._out: Outlet | None = None
        self._flushed = asyncio.Event()
        self._copier: threading.Thread | None = None

    async def open(self, receive: Callable[[bytes], None]) -> None:
        """Begin to read; `receive` gets each frame."""
        loop = asyncio.get_running_loop()
        out = _own_descriptor(1, sys.stderr.fileno())
        if not _pollable(out):
            out = self._copy_to_file(out)
        transport, _ = await loop.connect_write_pipe(
            lambda: _Writer(self._valve, self._flushed, lambda: self._hurry("stdout was closed")),
            End(out),
        )
        transport.set_write_buffer_limits(self._policy.mounts.buffer_bytes)
        self._out = Outlet(transport)
        splitter = Splitter(self._policy.limits.frame_bytes, receive, self._stray, self._oversize)
        reader = _Reader(splitter, lambda: self._end("stdin was closed"))
        nothing = os.open(os.devnull, os.O_RDONLY)
        source = _own_descriptor(0, nothing)
        os.close(nothing)
        if not _pollable(source):
            self._pump_file(source, reader)
        else:
            await loop.connect_read_pipe(lambda: reader, End(source))
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._hurry, signal.Signals(number).name)

    def send(self, *parts: Part) -> None:
        """Queue one frame for the client."""
        if self._out:
            self._out.send(with_newline(*parts))

    async def close(self) -> None:
        """Flush what is queued, at most for a moment."""
        if self._out:
            await self._drain(self._out.transport)
        if self._copier:
            await asyncio.to_thread(self._copier.join, self._policy.timeouts.flush)

    async def _drain(self, transport: asyncio.WriteTransport) -> None:
        if transport.is_closing():
            return
        self._flushed.clear()
        transport.set_write_buffer_limits(0)
        if transport.get_write_buffer_size():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._flushed.wait(), self._policy.timeouts.flush)
        transport.close()

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.ended.set()

    def _hurry(self, reason: str) -> None:
        self.hurried.set()
        self._end(reason)

    def _stray(self, line: bytes) -> None:
        self.send(error_reply(b"null", PARSE_ERROR, "not JSON: a frame begins with { or ["))

    def _oversize(self, head: bytes) -> None:
        most = self._policy.limits.frame_bytes
        self.send(error_reply(b"null", PARSE_ERROR, f"the message is longer than {most} bytes"))

    def _copy_to_file(self, file: int) -> int:
        """Event loops do not write plain files; a thread does. The descriptor to write to instead."""
        source, out = os.pipe()

        def copy() -> None:
            with os.fdopen(source, "rb", 0) as frames, os.fdopen(file, "wb", 0) as target:
                while data := frames.read(65536):
                    target.write(data)

        self._copier = threading.Thread(target=copy, name="stdout", daemon=True)
        self._copier.start()
        return out

    def _pump_file(self, source: int, reader: _Reader) -> None:
        """Event loops do not read plain files; a thread hands them over."""
        loop = asyncio.get_running_loop()

        def pump() -> None:
            with os.fdopen(source, "rb", 0) as file, contextlib.suppress(RuntimeError):
                while data := file.read(65536):
                    loop.call_soon_threadsafe(reader.data_received, data)
                loop.call_soon_threadsafe(reader.eof_received)

        threading.Thread(target=pump, name="stdin", daemon=True).start()


def _pollable(descriptor: int) -> bool:
    """Can an event loop wait for it? Not for a plain file, nor for a device that is no terminal (/dev/null)."""
    mode = os.fstat(descriptor).st_mode
    return not (stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(descriptor)))


def _own_descriptor(number: int, substitute: int) -> int:
    """A private copy of a standard descriptor; the standard one then leads elsewhere, so that no library's print
    can end up among the frames, nor a child inherit the client's pipe."""
    own = os.dup(number)
    os.set_inheritable(own, False)
    widen(own)
    os.dup2(substitute, number, inheritable=False)
    return own
