"""From an ended call to what telemetry keeps of it.

The call itself is handed on, which costs next to nothing beside the calls; what is kept of it is read off later, many
calls at a time, by `Reading`.
"""

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Raw

from harnessgym_mcp.core.events import Alike, CallEvent, Common, Ended, RawCall
from harnessgym_mcp.core.frames import UNREAD, exactly, object_of, refuse
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import cut, one_line, redact, writable
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.upstream.call import Call

__all__ = ["Observed", "Observer", "Reading", "Sink"]

Fits = Callable[[Raw], object]

_NONE: Final = Raw()  # arguments of a call that has none
_SHAPES: Final = 200  # sets of names that are looked for before names are read
_SHAPE: Final = 1000  # characters of one


class Sink(Protocol):
    """Where ended calls go; must neither block nor raise."""

    def put(self, item: Attributed, heavy: bool) -> None:
        """`heavy`: too large to be held for long."""


class Observer(Protocol):
    """Who else is told of each ended call, with the call itself; must neither block nor raise."""

    def observe(self, event: CallEvent, call: Call) -> None: ...
    def close(self, seconds: float) -> None: ...


class Reading:
    """Reads off ended calls what is kept of them, and tells once what several have in common: what they hold of client
    and tool, if it is the very same object, and the names of their arguments. Those are read only where they are not
    the last ones again, which is found out in half the time."""

    def __init__(self, policy: Policy) -> None:
        self._capture = policy.telemetry.capture
        self._captured_most = policy.telemetry.capture_bytes
        self._error_most = policy.limits.error_chars
        self._shapes: dict[tuple[str, ...], Fits] = {}

    def __call__(self, calls: list[Attributed]) -> Ended:
        parts = _Parts(self._alike, self._fitting)
        raw: list[RawCall] = []
        last, (place, fits) = None, parts.last(None)
        for call in calls:
            if call.status != "completed":
                last, fits = None, refuse
            elif call.alike is not last:
                last = call.alike
                place, fits = parts.last(last)
            answer, arguments = call.answer, call.params.get("arguments", _NONE)
            try:
                fits(arguments)
            except UNREAD:
                place, fits = parts.of(call, arguments)
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
        return Ended(parts.common, raw)

    def _fitting(self, names: tuple[str, ...]) -> Fits:
        """Lets objects with just these names pass; made once for each, and not for ever more of them."""
        if names not in self._shapes:
            if len(self._shapes) >= _SHAPES or sum(map(len, names)) + len(names) > _SHAPE:
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


class _Parts:
    """The common parts of calls that are being read."""

    def __init__(self, alike_of: Callable[[Attributed], Alike], fitting: Callable[[tuple[str, ...]], Fits]) -> None:
        self.common: list[Common] = []
        self._alike_of = alike_of
        self._fitting = fitting
        self._places: dict[tuple[int, tuple[str, ...]], int] = {}  # id of what calls hold, names -> place in `common`
        self._last: dict[int, tuple[int, Fits]] = {}  # id of what calls hold -> what `of` gave for the last of them

    def last(self, alike: Alike | None) -> tuple[int, Fits]:
        """The place of the part that the last such call had, and what lets a call pass that has it too."""
        return self._last.get(id(alike), (0, refuse))

    def of(self, call: Attributed, arguments: Raw) -> tuple[int, Fits]:
        """The same of a call that has another part."""
        alike, names = self._alike_of(call), tuple(map(writable, object_of(arguments)))
        place = self._places.setdefault((id(alike), names), len(self.common))
        if place == len(self.common):
            self.common.append(Common(alike, names))
        if alike is not call.alike:
            return place, refuse
        found = self._last[id(alike)] = place, self._fitting(names)
        return found


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
