"""Calls for the writer of telemetry that give the very rows that a test asks for."""

import json

from harnessgym_mcp.core.events import CallEvent, RawCall, Session

__all__ = ["raws_of"]


def raws_of(events: list[CallEvent]) -> list[RawCall]:
    """The ended calls that have such events."""
    return [_raw_of(event) for event in events]


def _raw_of(event: CallEvent) -> RawCall:
    kinds = [kind for kind, count in json.loads(event.content_kinds or "{}").items() for _ in range(count)]
    return (
        event.at,
        event.duration_ms,
        event.status,
        event.tool,
        event.origin,
        event.via,
        event.artifact,
        event.digest,
        event.session,
        event.thread,
        event.tool_use,
        Session(id=event.session, client=event.client, front=event.front, labels=event.labels),
        json.loads(event.argument_keys),
        event.argument_bytes,
        event.arguments,
        event.result_bytes,
        tuple(kinds),
        event.error,
    )
