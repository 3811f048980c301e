"""From an ended call to what telemetry keeps of it.

The call itself is handed on, which costs next to nothing beside the calls; what is kept of it is read off later, many
calls at a time, by `Reading`.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Raw

from harnessgym_mcp.core.events import Alike, CallEvent, RawCall, Run, event_of
from harnessgym_mcp.core.frames import UNREAD, object_of, read_object
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import cut, one_line, redact
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.upstream.call import Call

__all__ = ["Observed", "Observer", "Reading", "Sink"]


class Sink(Protocol):
    """Where ended calls go; must neither block nor raise."""

    def put(self, item: Attributed, heavy: bool) -> None:
        """`heavy`: too large to be held for long."""


class Observer(Protocol):
    """Who else is told of each ended call, with the call itself; must neither block nor raise."""

    def observe(self, event: CallEvent, call: Call) -> None: ...
    def close(self, seconds: float) -> None: ...


class Reading:
    """Reads off ended calls what is kept of them. Calls are alike while what they have in common is the very same
    object: a new run that was not needed costs a few bytes, a comparison of texts for each call would cost more."""

    def __init__(self, policy: Policy) -> None:
        self._capture = policy.telemetry.capture
        self._captured_most = policy.telemetry.capture_bytes
        self._error_most = policy.limits.error_chars

    def __call__(self, calls: list[Attributed]) -> list[Run]:
        try:
            return self._runs(calls, read_object)
        except UNREAD:
            return self._runs(calls, object_of)

    def _runs(self, calls: list[Attributed], members: Callable[[Raw], Iterable[str]]) -> list[Run]:
        runs: list[Run] = []
        alike: Alike | None = None  # of the run
        for call in calls:
            if call.alike is not alike or call.status != "completed":
                run: list[RawCall] = []
                runs.append((self._alike(call), run))
                alike = None if self._capture or call.status != "completed" else call.alike
            answer, arguments = call.answer, call.params.get("arguments")
            run.append(
                (
                    call.at,
                    call.finished - call.started,
                    [] if arguments is None else [*members(arguments)],
                    0 if arguments is None else len(arguments),
                    len(answer.frame) - answer.start - 1 if answer else 0,  # less the closing brace of the frame
                    answer.kinds if answer else (),
                )
            )
        return runs

    def _alike(self, call: Attributed) -> Alike:
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


class Observed:
    """A sink of which each call is also told to an observer."""

    def __init__(self, sink: Sink, policy: Policy, observer: Observer) -> None:
        self._sink = sink
        self._reading = Reading(policy)
        self._observer = observer

    def put(self, item: Attributed, heavy: bool) -> None:
        self._sink.put(item, heavy)
        ((alike, (raw,)),) = self._reading([item])
        self._observer.observe(event_of(alike, raw), item)
