"""What was sent, kept for clients whose stream broke: they come back with the last event's id and get the rest.

Each session sees its own events only, whatever its requests are numbered; all sessions share one bound of bytes.
"""

from collections import OrderedDict
from typing import NamedTuple

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage

__all__ = ["Replay", "SessionEvents"]

_OVERHEAD = 500  # bytes of memory that an event takes beside its text


class _Event(NamedTuple):
    owner: "SessionEvents"
    stream: str
    message: JSONRPCMessage | None
    size: int


class Replay:
    """All sessions' events, the oldest let go when they exceed `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._events: OrderedDict[int, _Event] = OrderedDict()
        self._bytes = 0
        self._last = 0

    def keep(self, event: _Event) -> int:
        self._last += 1
        self._events[self._last] = event
        self._bytes += event.size
        while self._bytes > self._most:
            self._bytes -= self._events.popitem(last=False)[1].size
        return self._last

    def after(self, number: int, owner: "SessionEvents") -> tuple[str, list[tuple[int, JSONRPCMessage]]] | None:
        """`(stream, later messages of it)`; None for an event that is not the owner's or no longer kept."""
        known = self._events.get(number)
        if known is None or known.owner is not owner:
            return None
        later = [
            (n, e.message)
            for n, e in self._events.items()
            if n > number and e.owner is owner and e.stream == known.stream and e.message is not None
        ]
        return known.stream, later


class SessionEvents(EventStore):
    """One session's events."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        size = len(message.model_dump_json()) if message is not None else 0
        return str(self._replay.keep(_Event(self, stream_id, message, size + _OVERHEAD)))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        found = self._replay.after(int(last_event_id) if last_event_id.isdecimal() else 0, self)
        if found is None:
            return None
        stream, later = found
        for number, message in later:
            await send_callback(EventMessage(message, str(number)))
        return stream
