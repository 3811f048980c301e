"""Calls for the writer of telemetry that give the very rows that a test asks for."""

import json

from harnessgym_mcp.core.events import Alike, CallEvent, Common, Ended, Session

__all__ = ["ended_as"]


def ended_as(events: list[CallEvent]) -> Ended:
    """The ended calls that have such events."""
    calls = [
        (
            place,
            event.at,
            event.duration_ms / 1000,
            event.argument_bytes,
            event.result_bytes,
            _kinds(event),
        )
        for place, event in enumerate(events)
    ]
    return Ended([Common(_alike(event), tuple(json.loads(event.argument_keys))) for event in events], calls)


def _kinds(event: CallEvent) -> tuple[str, ...]:
    return tuple(kind for kind, count in json.loads(event.content_kinds or "{}").items() for _ in range(count))


def _alike(event: CallEvent) -> Alike:
    return Alike(
        caller=Session(id=event.session, client=event.client, front=event.front, labels=event.labels),
        session=event.session,
        thread=event.thread,
        tool_use=event.tool_use,
        artifact=event.artifact,
        digest=event.digest,
        tool=event.tool,
        origin=event.origin,
        via=event.via,
        status=event.status,
        error=event.error,
        arguments=event.arguments,
    )
