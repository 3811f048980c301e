"""Bytes to frames: newline-delimited JSON or `Content-Length` headers, found out per message by looking.

`{` or `[` begins a line of JSON, `content-` in any letter case begins headers; anything else up to a newline is
stray output. No I/O: `Splitter.feed` takes what was read and gives what is complete.
"""

from collections.abc import Callable

__all__ = ["Splitter", "with_headers", "with_newline"]

_WHITE = b" \t\r\n"


def with_newline(frame: bytes) -> bytes:
    return frame + b"\n"


def with_headers(frame: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(frame), frame)


class Splitter:
    """Splits one byte stream. `on_frame` gets each message without its newline or headers, `on_stray` each other
    line, `on_oversize` the first bytes of a message that is longer than `most` (the message itself is skipped)."""

    __slots__ = (
        "_body",
        "_buffer",
        "_most",
        "_on_frame",
        "_on_oversize",
        "_on_stray",
        "_searched",
        "_skipping",
        "headers",
    )

    def __init__(
        self,
        most: int,
        on_frame: Callable[[bytes], None],
        on_stray: Callable[[bytes], None],
        on_oversize: Callable[[bytes], None],
    ) -> None:
        self._most = most
        self._on_frame = on_frame
        self._on_stray = on_stray
        self._on_oversize = on_oversize
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer known to hold no newline
        self._body = -1  # length of the body that headers announced
        self._skipping = 0  # bytes left of an oversized body; -1: up to the next newline
        self.headers = False  # did the last frame come with headers?

    def feed(self, data: bytes) -> None:
        # The common case, one whole line in one read, is handed on without a copy.
        if (
            not self._buffer
            and not self._skipping
            and self._body < 0
            and data[:1] == b"{"
            and data.find(b"\n") == len(data) - 1 <= self._most
        ):
            self.headers = False
            self._on_frame(data[:-1])
            return
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        """One message out of the buffer; False when more bytes are needed."""
        if self._skipping:
            return self._skip()
        if self._body >= 0:
            return self._take_body()
        line = self._take_line()
        if line is None:
            return False
        stripped = line if line[:1] == b"{" and line[-1:] == b"}" else line.strip(_WHITE)
        if stripped[:1] in (b"{", b"["):
            self.headers = False
            self._on_frame(stripped)
        elif stripped[:8].lower() == b"content-":
            return self._take_headers(stripped)
        elif stripped:
            self._on_stray(stripped)
        return True

    def _take_line(self) -> bytes | None:
        at = self._buffer.find(b"\n", self._searched)
        if at < 0:
            self._searched = len(self._buffer)
            if self._searched > self._most:
                self._on_oversize(bytes(self._buffer[:256]))
                self._drop(self._searched)
                self._skipping = -1
            return None
        line = bytes(memoryview(self._buffer)[:at])
        self._drop(at + 1)
        if len(line) > self._most:
            self._on_oversize(line[:256])
            return b""
        return line

    def _take_headers(self, first: bytes) -> bool:
        """The header block's lines are consumed one by one; an empty one ends it."""
        name, _, value = first.partition(b":")
        if name.strip().lower() == b"content-length":
            try:
                self._body = int(value)
            except ValueError:
                self._body = -1
            if self._body < 0:
                self._on_stray(first)
            elif self._body > self._most:
                self._on_oversize(first)
        # Other header lines (Content-Type) and the empty line are passed over by _take_body and _take_line.
        return True

    def _take_body(self) -> bool:
        # Between the first header line and the body stand further headers and one empty line.
        while self._buffer and self._buffer[0] not in b"{[":
            at = self._buffer.find(b"\n")
            if at < 0:
                return False
            self._drop(at + 1)
        if self._body > self._most and self._buffer:
            self._skipping, self._body = self._body, -1
            return True
        if len(self._buffer) < self._body or not self._buffer:
            return False
        frame = bytes(memoryview(self._buffer)[: self._body])
        self._drop(self._body)
        self._body = -1
        self.headers = True
        self._on_frame(frame)
        return True

    def _skip(self) -> bool:
        if self._skipping > 0:
            gone = min(self._skipping, len(self._buffer))
            self._skipping -= gone
            self._drop(gone)
            return bool(self._buffer)
        at = self._buffer.find(b"\n")
        self._drop(len(self._buffer) if at < 0 else at + 1)
        self._skipping = -1 if at < 0 else 0
        return at >= 0

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = 0
