"""From an ended call to its telemetry row: everything is put together here, once, off the answer's way."""

from typing import Final, Protocol

from harnessgym_mcp.core.events import CallEvent, RawCall, Session, event_of
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import cut, one_line, redact
from harnessgym_mcp.server.client import Identity
from harnessgym_mcp.upstream.call import Call

__all__ = ["Observer", "Recorder", "Sink"]

_LIGHT = 2048  # bytes of arguments that are kept until there is time for them
_ARGUMENTS: Final = 14  # their place in a RawCall


class Sink(Protocol):
    """Where rows go; must neither block nor raise."""

    def put(self, event: CallEvent | RawCall) -> None: ...


class Observer(Protocol):
    """Who else is told of each ended call, with the call itself; must neither block nor raise."""

    def observe(self, event: CallEvent, call: Call) -> None: ...
    def close(self, seconds: float) -> None: ...


class Recorder:
    """Writes one row for each forwarded call, and tells the observer, if there is one."""

    def __init__(self, sink: Sink, policy: Policy, observer: Observer | None = None) -> None:
        self._sink = sink
        self._policy = policy
        self._capture = policy.telemetry.capture
        self._observer = observer

    def record(self, call: Call, session: Session, identity: Identity, artifact: str, digest: str, via: str) -> None:
        raw = self._raw(call, session, identity, artifact, digest, via)
        if self._observer is None and not self._capture and len(raw[_ARGUMENTS] or b"") < _LIGHT:
            self._sink.put(raw)
            return
        event = event_of(raw)
        if self._capture:
            event = event._replace(arguments=self._captured(raw[_ARGUMENTS] or b""))
        self._sink.put(event)
        if self._observer:
            self._observer.observe(event, call)

    def _raw(self, call: Call, session: Session, identity: Identity, artifact: str, digest: str, via: str) -> RawCall:
        answer = call.answer
        arguments = call.params.get("arguments")
        return (
            call.at,
            identity.session,
            identity.thread,
            identity.tool_use,
            session.front,
            session.client,
            session.labels,
            artifact,
            digest,
            call.tool,
            call.origin,
            via,
            call.duration_ms,
            call.status or "crashed",
            None if arguments is None else bytes(arguments),
            answer.size if answer else 0,
            answer.kinds if answer else (),
            "" if call.status == "completed" else self._error(call),
        )

    def _captured(self, arguments: bytes) -> str:
        return cut(redact(arguments.decode("utf-8", "replace")), self._policy.telemetry.capture_bytes)

    def _error(self, call: Call) -> str:
        most = self._policy.limits.error_chars
        if call.error:
            return one_line(call.error.message, most)
        if call.answer and call.status in ("tool_error", "protocol_error"):
            return one_line(redact(call.answer.body[: most * 2].decode("utf-8", "replace")), most)
        return ""
