"""From an ended call to what telemetry keeps of it.

The call itself is handed on, which costs next to nothing beside the calls; what is kept of it is read off later, many
calls at a time, by `Reading`.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Raw

from harnessgym_mcp.core.events import Alike, CallEvent, RawCall, Run, Session, event_of
from harnessgym_mcp.core.frames import UNREAD, object_of, read_object
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import cut, one_line, redact
from harnessgym_mcp.server.client import Identity
from harnessgym_mcp.upstream.call import Call

__all__ = ["Ended", "Observer", "Reading", "Recorder", "Sink"]


Ended = tuple[Call, Session, Identity, str, str, str]
"""An ended call, who made it, the artifact, its digest, and `via`."""


class Sink(Protocol):
    """Where ended calls go; must neither block nor raise."""

    def put(self, item: Ended) -> None: ...

    def seal(self) -> None:
        """Read now what is to be kept of those that were put, and let go of them."""


class Observer(Protocol):
    """Who else is told of each ended call, with the call itself; must neither block nor raise."""

    def observe(self, event: CallEvent, call: Call) -> None: ...
    def close(self, seconds: float) -> None: ...


class Reading:
    """Reads off ended calls what is kept of them.

    Calls are alike while they share the very objects: a new run that was not needed costs a few bytes, a comparison of
    texts for each call would cost more.
    """

    def __init__(self, policy: Policy) -> None:
        self._capture = policy.telemetry.capture
        self._captured_most = policy.telemetry.capture_bytes
        self._error_most = policy.limits.error_chars

    def __call__(self, items: list[Ended]) -> list[Run]:
        try:
            return self._runs(items, read_object)
        except UNREAD:
            return self._runs(items, object_of)

    def _runs(self, items: list[Ended], members: Callable[[Raw], Iterable[str]]) -> list[Run]:
        runs: list[Run] = []
        before: Ended | None = None
        tool = origin = ""
        for item in items:
            call, session, identity, artifact, digest, via = item
            if (
                before is None
                or session is not before[1]
                or identity is not before[2]
                or artifact is not before[3]
                or digest is not before[4]
                or via is not before[5]
                or call.tool is not tool
                or call.origin is not origin
                or call.status != "completed"
            ):
                run: list[RawCall] = []
                runs.append((self._alike(item), run))
                before = None if self._capture or call.status != "completed" else item
                tool, origin = call.tool, call.origin
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

    def _alike(self, item: Ended) -> Alike:
        call, caller, identity, artifact, digest, via = item
        return Alike(
            caller=caller,
            session=identity.session,
            thread=identity.thread,
            tool_use=identity.tool_use,
            artifact=artifact,
            digest=digest,
            tool=call.tool,
            origin=call.origin,
            via=via,
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


class Recorder:
    """Hands each forwarded call on for its row, and tells the observer, if there is one."""

    def __init__(self, sink: Sink, policy: Policy, observer: Observer | None = None) -> None:
        self._sink = sink
        self._put = sink.put
        self._reading = Reading(policy)
        self._observer = observer

    def record(self, call: Call, session: Session, identity: Identity, artifact: str, digest: str, via: str) -> None:
        ended = (call, session, identity, artifact, digest, via)
        self._put(ended)
        if call.heavy:
            self._sink.seal()
        if self._observer:
            ((alike, (raw,)),) = self._reading([ended])
            self._observer.observe(event_of(alike, raw), call)
