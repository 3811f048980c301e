"""Calls as they end: the page with the newest ones, and the stream that it goes on with."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from anyio.to_thread import run_sync
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from harnessgym_mcp.core.text import brief, one_line
from harnessgym_mcp.dashboard.rendering import clock, milliseconds, short
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.store.callstats import recent_calls

__all__ = ["events", "live"]

_BATCH = 500


def live(site: Site, request: Request) -> dict[str, Any]:
    calls = recent_calls(site.home, site.policy.dashboard.live_rows)
    return {
        "calls": [_shown(c) for c in reversed(calls)],
        "after": calls[-1]["id"] if calls else "",
        "keep": site.policy.dashboard.live_rows,
    }


def events(site: Site, request: Request, ending: anyio.Event) -> EventSourceResponse:
    """Calls that are committed after `?after=` (or after the last one that the browser saw), one event each, and
    changes of the harness; without `after`, these alone."""
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    policy, stream = site.policy.dashboard, _follow(site, after, ending)
    return EventSourceResponse(stream, ping=policy.ping, shutdown_event=ending, shutdown_grace_period=policy.close)


async def _follow(site: Site, after: str | None, ending: anyio.Event) -> AsyncIterator[ServerSentEvent]:
    """Until the end is told. `harness` tells the registry's generation, at first and when it changes."""
    generation = -1
    registry = site.stores().registry
    while not ending.is_set():
        now = (await run_sync(registry.load)).generation
        if now != generation:
            generation = now
            yield ServerSentEvent(str(now), event="harness")
        calls = [] if after is None else await run_sync(recent_calls, site.home, _BATCH, after)
        for call in calls:
            after = call["id"]
            yield ServerSentEvent(json.dumps(_shown(call)), event="call", id=after)
        if len(calls) < _BATCH:
            with anyio.move_on_after(site.policy.dashboard.look):
                await ending.wait()


def _shown(call: dict[str, Any]) -> dict[str, Any]:
    """One call as the page and the stream tell it: short, cleaned text."""
    return {
        "id": call["id"],
        "time": clock(call["at"])[-8:],
        "artifact": one_line(call["artifact"], 64),
        "tool": one_line(call["tool"], 64),
        "digest": short(call["digest"]),
        "status": one_line(call["status"], 20),
        "duration": milliseconds(call["duration_ms"]),
        "client": one_line(call["client"], 40),
        "origin": one_line(call["origin"], 20),
        "error": brief(call["error"], 160),
    }
