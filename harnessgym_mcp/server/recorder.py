"""From an ended call to what telemetry keeps of it.

The call itself is handed on, which costs next to nothing beside the calls; what is kept of it is read off later, many
calls at a time, by `Reading`.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from msgspec import Raw

from harnessgym_mcp.core.events import Alike, CallEvent, Common, Ended
from harnessgym_mcp.core.frames import UNREAD, exactly, object_of, refuse
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import cut, one_line, redact, writable
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.upstream.call import Call

__all__ = ["Observed", "Observer", "Reading", "Sink"]

Fits = Callable[[Raw], object]
"""Raises what UNREAD names for arguments that do not fit."""

_NONE: Final = Raw()  # arguments of a call that has none
_SHAPES: Final = 200  # sets of names that are looked for before names are read
_LONGEST: Final = 1000  # characters of such a set
_PARTS: Final = 1000  # those of clients that are gone are among them


class Sink(Protocol):
    """Where ended calls go; must neither block nor raise."""

    def put(self, item: Attributed, heavy: bool) -> None:
        """`heavy`: too large to be held for long."""


class Observer(Protocol):
    """Who else is told of each ended call, with the call itself; must neither block nor raise."""

    def observe(self, event: CallEvent, call: Call) -> None: ...
    def close(self, seconds: float) -> None: ...


class _Part(NamedTuple):
    """What calls have in common, and what lets the arguments of a call pass that has it too."""

    common: Common
    fits: Fits


class Reading:
    """Reads off ended calls what is kept of them, and tells once what several have in common: what they hold of client
    and tool, if it is the very same object, and the names of their arguments. Those are read only where they are not
    the last ones again, which is found out in half the time."""

    def __init__(self, policy: Policy) -> None:
        self._capture = policy.telemetry.capture
        self._captured_most = policy.telemetry.capture_bytes
        self._error_most = policy.limits.error_chars
        self._shapes: dict[tuple[str, ...], Fits] = {}
        self._parts: dict[tuple[int, tuple[str, ...]], _Part] = {}  # id of what calls hold, names
        self._last: dict[int, _Part] = {}  # id of what calls hold -> the part of the last of them

    def __call__(self, calls: list[Attributed]) -> Ended:
        ended = Ended([], [])
        raw, places = ended.calls, dict[int, int]()
        last, place = None, 0
        fits: Fits = refuse
        for call in calls:
            if call.status != "completed":
                last, fits = None, refuse
            elif call.alike is not last:
                last, fits = call.alike, refuse
                if part := self._last.get(id(last)):
                    place, fits = _placed(part, ended.common, places), part.fits
            answer, arguments = call.answer, call.params.get("arguments", _NONE)
            try:
                fits(arguments)
            except UNREAD:
                part = self._part(call, arguments)
                place, fits = _placed(part, ended.common, places), part.fits
            raw.append(
                (
                    place,
                    call.at,
                    call.finished - call.started,
                    len(arguments),
                    len(answer.frame) - answer.start - 1 if answer else 0,  # less the closing brace of the frame
                    answer.kinds if answer else (),
                )
            )
        return ended

    def _part(self, call: Attributed, arguments: Raw) -> _Part:
        """That of a call which has another one than the last. It is kept for calls that may have it too."""
        alike, names = self._alike(call), tuple(object_of(arguments))
        if not all(map(str.isascii, names)):
            names = tuple(map(writable, names))
        if alike is not call.alike or sum(map(len, names)) + len(names) > _LONGEST:
            return _Part(Common(alike, names), refuse)
        key = id(alike), names
        if key not in self._parts:
            if len(self._parts) >= _PARTS:
                self._parts.clear()
                self._last.clear()
            self._parts[key] = _Part(Common(alike, names), self._fitting(names))
        part = self._last[id(alike)] = self._parts[key]
        return part

    def _fitting(self, names: tuple[str, ...]) -> Fits:
        """Made once for each set of names, and not for ever more of them."""
        if names not in self._shapes:
            if len(self._shapes) >= _SHAPES:
                return refuse
            self._shapes[names] = exactly(names)
        return self._shapes[names]

    def _alike(self, call: Attributed) -> Alike:
        """What the call holds; another one if there is something to tell that no other call has."""
        assert call.alike, "only what has a row is read"
        if call.status == "completed" and not self._capture:
            return call.alike
        return call.alike._replace(
            status=call.status or "crashed",
            error=self._error(call),
            arguments=self._captured(bytes(call.params.get("arguments", b""))) if self._capture else None,
        )

    def _captured(self, arguments: bytes) -> str:
        return cut(redact(arguments.decode("utf-8", "replace")), self._captured_most)

    def _error(self, call: Call) -> str:
        if call.error:
            return one_line(call.error.message, self._error_most)
        if call.answer and call.status in ("tool_error", "protocol_error"):
            body = call.answer.body[: self._error_most * 2]
            return one_line(redact(body.decode("utf-8", "replace")), self._error_most)
        return ""


def _placed(part: _Part, common: list[Common], places: dict[int, int]) -> int:
    """Where in `common` that of this part is; `places` tells it by its id."""
    place = places.setdefault(id(part.common), len(common))
    if place == len(common):
        common.append(part.common)
    return place


class Observed:
    """A sink of which each call is also told to an observer."""

    def __init__(self, sink: Sink, policy: Policy, observer: Observer) -> None:
        self._sink = sink
        self._reading = Reading(policy)
        self._observer = observer

    def put(self, item: Attributed, heavy: bool) -> None:
        self._sink.put(item, heavy)
        for event in self._reading([item]).events():
            self._observer.observe(event, item)
