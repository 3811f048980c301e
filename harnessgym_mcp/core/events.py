"""Call events: what telemetry keeps of each forwarded `tools/call`."""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from harnessgym_mcp.core.frames import encode

__all__ = ["STATUSES", "Alike", "CallEvent", "Common", "Ended", "RawCall", "Session", "percentile"]

STATUSES: Final = ("completed", "tool_error", "protocol_error", "timeout", "cancelled", "crashed")
"""`completed` alone is a success; `tool_error` is a result with `isError: true`."""


class Session(NamedTuple):
    """Who called: all of it text that the client stated, empty where it did not."""

    id: str  # the agent session that slots belong to
    client: str = ""  # clientInfo.name
    client_version: str = ""
    front: str = ""  # this front process
    labels: str = "{}"  # JSON object of --labels
    entry: str = "harnessgym"  # what the client's config calls us


class CallEvent(NamedTuple):
    """One forwarded call; the order is that of the telemetry table's columns."""

    at: float  # start, seconds since the epoch
    session: str
    thread: str  # Codex's threadId or the like, else ""
    tool_use: str  # Claude's toolUseId or Codex's turn id, else ""
    front: str
    client: str
    labels: str
    artifact: str
    digest: str
    tool: str
    origin: str  # agent | qualification | cli
    via: str  # "" | "call"
    duration_ms: float
    status: str
    argument_keys: str  # JSON list
    argument_bytes: int
    arguments: str | None  # only where policy captures, redacted
    result_bytes: int
    content_kinds: str  # JSON object: kind -> count
    error: str


_NAMES, _NAME = 100, 80  # names of arguments that are kept, and characters of each


class Alike(NamedTuple):
    """What calls of one client to one tool have in common. `error` and `arguments` are those of a single call."""

    caller: Session
    session: str
    thread: str
    tool_use: str
    artifact: str
    digest: str
    tool: str
    origin: str
    via: str
    status: str = "completed"
    error: str = ""
    arguments: str | None = None


class Common(NamedTuple):
    """What is told once for all calls that share it."""

    alike: Alike
    names: tuple[str, ...]  # of the arguments


RawCall = tuple[int, float, float, int, int, tuple[str, ...]]
"""What each has of its own: which of the `common` parts belongs to it; start, in seconds since the epoch; duration in
seconds; size of the arguments; size of the result and the kinds of its content. A plain tuple, as nothing else is made
as quickly."""


class Ended(NamedTuple):
    """Calls as they ended, kept until there is time to make their events."""

    common: list[Common]
    calls: list[RawCall]

    def events(self) -> Iterator[CallEvent]:
        """Of each, in the order they ended."""
        return map(self.event, self.calls)

    def event(self, call: RawCall) -> CallEvent:
        """Of one of these calls."""
        place, at, seconds, argument_bytes, result_bytes, kinds = call
        alike, names = self.common[place]
        return CallEvent(
            at=at,
            session=alike.session,
            thread=alike.thread,
            tool_use=alike.tool_use,
            front=alike.caller.front,
            client=alike.caller.client,
            labels=alike.caller.labels,
            artifact=alike.artifact,
            digest=alike.digest,
            tool=alike.tool,
            origin=alike.origin,
            via=alike.via,
            duration_ms=seconds * 1000,
            status=alike.status,
            argument_keys=encode([name[:_NAME] for name in names[:_NAMES]]).decode(),
            argument_bytes=argument_bytes,
            arguments=alike.arguments,
            result_bytes=result_bytes,
            content_kinds=encode({kind: kinds.count(kind) for kind in kinds}).decode(),
            error=alike.error,
        )


def percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending values; None of nothing."""
    if not ordered:
        return None
    rank = math.ceil(share * len(ordered)) - 1
    return ordered[max(0, min(len(ordered) - 1, rank))]
