"""What goes on in a home just now: the living fronts, their mounts, and the calls of the last minute."""

import time

import msgspec

from harnessgym_mcp.proc.processes import descendants, read_process
from harnessgym_mcp.server.presence import Front, fronts
from harnessgym_mcp.store.callstats import tool_stats
from harnessgym_mcp.store.home import Home

__all__ = ["LiveMount", "LiveTool", "Snapshot", "look"]

_WINDOW = 60.0  # seconds that rates are taken over


class LiveMount(msgspec.Struct, frozen=True, kw_only=True):
    """One artifact's server in one front. `memory` in bytes, of all its processes; 0 when none runs."""

    artifact: str
    version: str
    state: str
    front: int
    client: str
    active: int
    restarts: int
    memory: int
    last_error: str


class LiveTool(msgspec.Struct, frozen=True, kw_only=True):
    """One tool's calls within the window, of all origins; `idle` in seconds since the newest began."""

    tool: str
    calls: int
    per_minute: float
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    idle: float


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `notes` says what could not be read."""

    at: float
    window: float
    fronts: list[Front]
    mounts: list[LiveMount]
    tools: list[LiveTool]
    notes: list[str]


def look(home: Home, window: float = _WINDOW) -> Snapshot:
    """Look once; blocks for some milliseconds. Never raises for a home that is empty or damaged."""
    now = time.time()
    notes: list[str] = []
    stats = tool_stats(home, since=now - window, origin=None, notes=notes)
    tools = [
        LiveTool(
            tool=f"{each.artifact}__{each.tool}",
            calls=each.calls,
            per_minute=each.calls * 60 / window,
            errors=each.calls - each.successes,
            p50_ms=each.p50_ms,
            p95_ms=each.p95_ms,
            idle=max(now - each.last_at, 0.0),
        )
        for each in stats
    ]
    living = fronts(home)
    mounts = [mount for front in living for mount in _mounts(front)]
    tools.sort(key=lambda tool: -tool.calls)
    return Snapshot(at=now, window=window, fronts=living, mounts=mounts, tools=tools, notes=notes)


def _mounts(front: Front) -> list[LiveMount]:
    return [
        LiveMount(
            artifact=mount.name,
            version=mount.version,
            state=mount.state,
            front=front.pid,
            client=", ".join(front.sessions),
            active=mount.active,
            restarts=mount.restarts,
            memory=_memory(mount.pid),
            last_error=mount.last_error,
        )
        for mount in front.mounts
    ]


def _memory(pid: int | None) -> int:
    if pid is None:
        return 0
    own = read_process(pid)
    return sum(process.memory for process in [*([own] if own else []), *descendants(pid)])
