"""Call events: what telemetry keeps of each forwarded `tools/call`."""

import math
from typing import Final, NamedTuple

from harnessgym_mcp.core.frames import encode

__all__ = ["STATUSES", "CallEvent", "RawCall", "Session", "event_of", "percentile"]

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


RawCall = tuple[
    float,
    float,
    str,
    str,
    str,
    str,
    str,
    str,
    str,
    str,
    str,
    Session,
    list[str],
    int,
    str | None,
    int,
    tuple[str, ...],
    str,
]
"""A call as it ended, kept until there is time to make its event: the fields of CallEvent that `event_of` names, the
caller's `Session` for three of them; of the arguments their names and size, and their values where policy captures;
the size of the result and the kinds of its content; the error. A plain tuple, as nothing else is made as quickly."""

_NAMES, _NAME = 100, 80  # names of arguments that are kept, and characters of each


def event_of(raw: RawCall) -> CallEvent:
    """The event of an ended call."""
    at, duration_ms, status, tool, origin, via, artifact, digest, session, thread, tool_use, caller = raw[:12]
    names, argument_bytes, arguments, result_bytes, kinds, error = raw[12:]
    return CallEvent(
        at=at,
        session=session,
        thread=thread,
        tool_use=tool_use,
        front=caller.front,
        client=caller.client,
        labels=caller.labels,
        artifact=artifact,
        digest=digest,
        tool=tool,
        origin=origin,
        via=via,
        duration_ms=duration_ms,
        status=status,
        argument_keys=encode([name[:_NAME] for name in names[:_NAMES]]).decode(),
        argument_bytes=argument_bytes,
        arguments=arguments,
        result_bytes=result_bytes,
        content_kinds=encode({kind: kinds.count(kind) for kind in kinds}).decode(),
        error=error,
    )


def percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending values; None of nothing."""
    if not ordered:
        return None
    rank = math.ceil(share * len(ordered)) - 1
    return ordered[max(0, min(len(ordered) - 1, rank))]
