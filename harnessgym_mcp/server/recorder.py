"""From an ended call to its telemetry row: everything is put together here, once, off the answer's way."""

from typing import Protocol

from msgspec import UNSET

from harnessgym_mcp.core.events import CallEvent, Session, kinds_json
from harnessgym_mcp.core.frames import encode, object_of
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import cut, one_line, redact
from harnessgym_mcp.server.client import Identity
from harnessgym_mcp.upstream.call import Call

__all__ = ["Observer", "Recorder", "Sink"]


class Sink(Protocol):
    """Where rows go; must neither block nor raise."""

    def put(self, event: CallEvent) -> None: ...


class Observer(Protocol):
    """Who else is told of each ended call, with the call itself; must neither block nor raise."""

    def observe(self, event: CallEvent, call: Call) -> None: ...
    def close(self, seconds: float) -> None: ...


class Recorder:
    """Writes one row for each forwarded call, and tells the observer, if there is one."""

    def __init__(self, sink: Sink, policy: Policy, observer: Observer | None = None) -> None:
        self._sink = sink
        self._policy = policy
        self._observer = observer

    def record(self, call: Call, session: Session, identity: Identity, artifact: str, digest: str, via: str) -> None:
        arguments = call.params.get("arguments", UNSET)
        raw = b"" if arguments is UNSET else bytes(arguments)
        answer = call.answer
        event = CallEvent(
            at=call.at,
            session=identity.session,
            thread=identity.thread,
            tool_use=identity.tool_use,
            front=session.front,
            client=session.client,
            labels=session.labels,
            artifact=artifact,
            digest=digest,
            tool=call.tool,
            origin=call.origin,
            via=via,
            duration_ms=call.duration_ms,
            status=call.status or "crashed",
            argument_keys=encode([key[:80] for key in object_of(arguments)][:100]).decode(),
            argument_bytes=len(raw),
            arguments=self._captured(raw),
            result_bytes=len(answer.tail) - 1 if answer else 0,
            content_kinds=encode(kinds_json(answer.kinds)).decode() if answer else "{}",
            error=self._error(call),
        )
        self._sink.put(event)
        if self._observer:
            self._observer.observe(event, call)

    def _captured(self, raw: bytes) -> str | None:
        telemetry = self._policy.telemetry
        return cut(redact(raw.decode("utf-8", "replace")), telemetry.capture_bytes) if telemetry.capture else None

    def _error(self, call: Call) -> str:
        most = self._policy.limits.error_chars
        if call.error:
            return one_line(call.error.message, most)
        if call.answer and call.status in ("tool_error", "protocol_error"):
            return one_line(redact(call.answer.tail[: most * 2].decode("utf-8", "replace")), most)
        return ""
