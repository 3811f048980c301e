"""Calls for the writer of telemetry that give the very rows that a test asks for."""

import json

from harnessgym_mcp.core.events import Alike, CallEvent, Run, Session

__all__ = ["runs_of"]


def runs_of(events: list[CallEvent]) -> list[Run]:
    """The ended calls that have such events."""
    return [_run_of(event) for event in events]


def _run_of(event: CallEvent) -> Run:
    kinds = [kind for kind, count in json.loads(event.content_kinds or "{}").items() for _ in range(count)]
    alike = Alike(
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
    names = json.loads(event.argument_keys)
    call = (event.at, event.duration_ms / 1000, names, event.argument_bytes, event.result_bytes, tuple(kinds))
    return alike, [call]
