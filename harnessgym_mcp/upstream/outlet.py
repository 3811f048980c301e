"""Frames on their way into pipes: those that one read has caused leave in one write for each pipe.

A single call waits for nothing, a burst costs a few writes. Within `take` nothing is awaited, so that one list of
what is held back will do for the whole process.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from harnessgym_mcp.core.framing import Part

__all__ = ["Outlet", "take"]


class Outlet:
    """The writing end of a pipe. What is sent after it was closed is dropped."""

    __slots__ = ("_held", "transport")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport = transport
        self._held: list[Part] = []

    def send(self, parts: Sequence[Part]) -> None:
        """Write one frame, its end included."""
        if _Burst.under_way:
            if not self._held:
                _Burst.outlets.append(self)
            self._held += parts
        else:
            self._write(parts)

    def flush(self) -> None:
        held, self._held = self._held, []
        self._write(held)

    def _write(self, parts: Sequence[Part]) -> None:
        if self.transport.is_closing():
            return
        if len(parts) == 1:
            self.transport.write(parts[0])
        else:
            self.transport.writelines(parts)


class _Burst:
    under_way: ClassVar[bool] = False
    outlets: ClassVar[list[Outlet]] = []  # those that hold frames back


def take(feed: Callable[[bytes], None], data: bytes) -> None:
    """Feed what was read; what it causes to be sent leaves when all of it has been fed."""
    if data.find(b"\n") >= len(data) - 1:
        feed(data)
        return
    _Burst.under_way = True
    try:
        feed(data)
    finally:
        _Burst.under_way = False
        outlets, _Burst.outlets = _Burst.outlets, []
        for outlet in outlets:
            outlet.flush()
