"""Bytes to frames and back: newline-delimited JSON or `Content-Length` headers, found out per message by looking.

`{` or `[` begins a line of JSON, `content-` in any letter case begins headers; anything else up to a newline is
stray output. No I/O: `Splitter.feed` takes what was read and gives what is complete. A long frame is put together
once, from the reads that it came in, and is sent on in parts, without being put together again.
"""

from collections.abc import Callable
from typing import cast

__all__ = ["SHORT", "Part", "Splitter", "with_headers", "with_newline"]

Part = bytes | memoryview
"""A piece of a frame."""

SHORT = 32_768  # bytes; what is shorter is cheaper to copy than to send in parts

_LONG = 2 << 20  # bytes; to put together more at once would hold others up

_WHITE = b" \t\r\n"


def with_newline(*parts: Part) -> tuple[Part, ...]:
    """A frame, given in one part or several, and its newline."""
    first = parts[0]
    if len(parts) == 1 and len(first) < SHORT:
        return (bytes(first) + b"\n",)
    return (*parts, b"\n")


def with_headers(frame: bytes) -> tuple[Part, ...]:
    head = b"Content-Length: %d\r\n\r\n" % len(frame)
    return (head + frame,) if len(frame) < SHORT else (head, frame)


class Splitter:
    """Splits one byte stream. `on_frame` gets each message without its newline or headers, `on_stray` each other
    line, `on_oversize` the first bytes of a message that is longer than `most` (the message itself is skipped)."""

    __slots__ = (
        "_body",
        "_held",
        "_in_headers",
        "_long",
        "_most",
        "_on_frame",
        "_on_oversize",
        "_on_stray",
        "_parts",
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
        self._parts: list[bytes] = []  # the beginning of what is not complete yet
        self._long: bytearray | None = None  # the same, once it is long: it grows in place, a little with each read
        self._held = 0  # its length
        self._body = -1  # length of the body that headers announced
        self._in_headers = False  # are we between the first header line and the body?
        self._skipping = 0  # bytes left of an oversized body; -1: up to the next newline
        self.headers = False  # did the last frame come with headers?

    def feed(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at < end:
            if self._skipping:
                at = self._skip(data, at)
            elif self._in_headers and not self._held and data[at] in b"{[":
                self._end_headers()  # the empty line was forgotten
            elif self._body >= 0 and not self._in_headers:
                at = self._take_body(data, at)
            else:
                at = self._take_line(data, at)

    def _keep(self, data: bytes, at: int) -> int:
        self._held += len(data) - at
        if self._long is not None:
            self._long += data[at:]
            return len(data)
        self._parts.append(data[at:] if at else data)
        if self._held > _LONG:
            self._long = bytearray().join(self._parts)
            self._parts.clear()
        return len(data)

    def _whole(self, data: bytes, at: int, end: int) -> bytes:
        """What is held and the data up to `end`."""
        if not self._held:
            return data[at:end]
        self._held = 0
        if self._long is not None:
            whole, self._long = self._long, None
            whole += data[at:end]
            return cast(bytes, whole)  # as good as bytes to all who read it, and a copy would cost what was saved
        parts = (*self._parts, data[at:end])
        self._parts.clear()
        return b"".join(parts)

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        if end < 0:
            self._keep(data, at)
            if self._held > self._most:
                self._on_oversize(self._whole(b"", 0, 0)[:256])
                self._skipping = -1
            return len(data)
        line = self._whole(data, at, end) if self._held else data[at:end]
        if len(line) > self._most:
            self._on_oversize(line[:256])
        elif self._in_headers:
            if not line.strip(_WHITE):
                self._end_headers()
        elif line[:1] == b"{" and line[-1:] == b"}":
            self.headers = False
            self._on_frame(line)
        else:
            self._take_odd_line(line.strip(_WHITE))
        return end + 1

    def _take_odd_line(self, line: bytes) -> None:
        if line[:1] in (b"{", b"["):
            self.headers = False
            self._on_frame(line)
        elif line[:8].lower() == b"content-":
            self._begin_headers(line)
        elif line:
            self._on_stray(line)

    def _begin_headers(self, line: bytes) -> None:
        """Further header lines follow, and an empty one."""
        name, _, length = line.partition(b":")
        if name.rstrip().lower() != b"content-length":
            return
        length = length.strip()
        if not length.isdigit() or len(length) > 15:
            self._on_stray(line)
            return
        self._body = int(length)
        self._in_headers = True
        if self._body > self._most:
            self._on_oversize(line)

    def _end_headers(self) -> None:
        self._in_headers = False
        if self._body > self._most:
            self._skipping, self._body = self._body, -1
        elif not self._body:
            self._body = -1

    def _take_body(self, data: bytes, at: int) -> int:
        end = at + self._body - self._held
        if end > len(data):
            return self._keep(data, at)
        frame = self._whole(data, at, end)
        self._body = -1
        self.headers = True
        self._on_frame(frame)
        return end

    def _skip(self, data: bytes, at: int) -> int:
        if self._skipping > 0:
            gone = min(self._skipping, len(data) - at)
            self._skipping -= gone
            return at + gone
        end = data.find(b"\n", at)
        self._skipping = -1 if end < 0 else 0
        return len(data) if end < 0 else end + 1
