"""Call events: what telemetry keeps of each forwarded `tools/call`."""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from harnessgym_mcp.core.frames import encode, object_of

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
    float, str, str, str, str, str, str, str, str, str, str, str, float, str, bytes | None, int, tuple[str, ...], str
]
"""A call as it ended, kept until there is time to make its event: the first fields of CallEvent up to `status`, then
the arguments as JSON, the size of the result, the kinds of its content, the error. A plain tuple of plain values, which
the garbage collector need not look at twice."""


def event_of(raw: RawCall) -> CallEvent:
    """The event of an ended call."""
    arguments, size, kinds, error = raw[14:]
    return CallEvent(*raw[:14], _keys_json(arguments), len(arguments or b""), None, size, _kinds_json(kinds), error)


def _keys_json(arguments: bytes | None) -> str:
    """The names of the arguments as a JSON list."""
    if arguments is None:
        return "[]"
    return encode([key[:80] for key in object_of(arguments)][:100]).decode()


def _kinds_json(kinds: Iterable[str]) -> str:
    """Kind -> count, as a JSON object."""
    out: dict[str, int] = {}
    for kind in kinds:
        out[kind] = out.get(kind, 0) + 1
    return encode(out).decode()


def percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending values; None of nothing."""
    if not ordered:
        return None
    rank = math.ceil(share * len(ordered)) - 1
    return ordered[max(0, min(len(ordered) - 1, rank))]
