"""From an ended call to its telemetry row: everything is put together here, once, off the answer's way."""

from functools import lru_cache
from typing import Protocol

from msgspec import UNSET, Raw, UnsetType

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
        self._capture = policy.telemetry.capture
        self._observer = observer

    def record(self, call: Call, session: Session, identity: Identity, artifact: str, digest: str, via: str) -> None:
        arguments = call.params.get("arguments", UNSET)
        answer = call.answer
        event = CallEvent(  # by position: twenty keywords would cost half a microsecond
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
            _names(tuple([key[:80] for key in object_of(arguments)][:100])),
            0 if arguments is UNSET else len(bytes(arguments)),
            self._captured(arguments) if self._capture else None,
            answer.size if answer else 0,
            _counts(answer.kinds) if answer else "{}",
            "" if call.status == "completed" else self._error(call),
        )
        self._sink.put(event)
        if self._observer:
            self._observer.observe(event, call)

    def _captured(self, arguments: Raw | UnsetType) -> str:
        text = "" if arguments is UNSET else bytes(arguments).decode("utf-8", "replace")
        return cut(redact(text), self._policy.telemetry.capture_bytes)

    def _error(self, call: Call) -> str:
        most = self._policy.limits.error_chars
        if call.error:
            return one_line(call.error.message, most)
        if call.answer and call.status in ("tool_error", "protocol_error"):
            return one_line(redact(call.answer.body[: most * 2].decode("utf-8", "replace")), most)
        return ""


@lru_cache(256)
def _names(keys: tuple[str, ...]) -> str:
    """Argument names as a JSON list; calls of one tool mostly have the same."""
    return encode(keys).decode()


def _counts(kinds: tuple[str, ...]) -> str:
    """Kinds of content and how many of each, as a JSON object."""
    return _few_counts(kinds) if len(kinds) < 8 else kinds_json(kinds)


_few_counts = lru_cache(256)(kinds_json)
