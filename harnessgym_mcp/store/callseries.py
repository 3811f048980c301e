"""Calls over time and by duration: what charts and monitoring systems ask of the telemetry file.

Read-only, like `callstats`: a file that cannot be read gives nothing and a note.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from harnessgym_mcp.store.callstats import ask, select
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "Bin",
    "Histogram",
    "Point",
    "Total",
    "call_bins",
    "call_histograms",
    "call_points",
    "call_span",
    "call_totals",
]


class Bin(msgspec.Struct, frozen=True):
    """The calls of one tool that began within one step of time; `number` counts steps from `start`."""

    artifact: str
    tool: str
    number: int
    calls: int
    successes: int


class Point(msgspec.Struct, frozen=True):
    """One call: `at` in seconds since the epoch, `ms` its duration in milliseconds."""

    at: float
    ms: float
    status: str


class Histogram(msgspec.Struct, frozen=True):
    """All calls of one tool: how many by status, how many took at most each bound, and their sum in seconds."""

    artifact: str
    tool: str
    statuses: dict[str, int]
    within: list[int]
    seconds: float


class Total(msgspec.Struct, frozen=True):
    """All calls of one tool of one version, without the percentiles that make `tool_stats` five times as dear."""

    artifact: str
    tool: str
    digest: str
    calls: int
    successes: int
    last_at: float


# NOT INDEXED: these read all rows once, and an index would only add a look-up for each of them.
_TOTALS = """
SELECT artifact, tool, digest, COUNT(*) AS calls, SUM(status = 'completed') AS successes, MAX(at) AS last_at
FROM calls NOT INDEXED WHERE (? IS NULL OR origin = ?)
GROUP BY artifact, tool, digest ORDER BY artifact, tool
"""
_BINS = """
SELECT artifact, tool, CAST((at - ?) / ? AS INTEGER) AS number, COUNT(*) AS calls,
       SUM(status = 'completed') AS successes
FROM calls NOT INDEXED WHERE at >= ? AND at < ? AND (? IS NULL OR origin = ?)
GROUP BY artifact, tool, number ORDER BY artifact, tool, number
"""
_POINTS = """
SELECT at, duration_ms AS ms, status FROM calls
WHERE artifact = ? AND tool = ? AND at >= ? AND at < ? AND (? IS NULL OR origin = ?)
ORDER BY seq DESC LIMIT ?
"""


def call_bins(
    home: Home, start: float, step: float, count: int, *, origin: str | None = "agent", notes: list[str] | None = None
) -> list[Bin]:
    """Calls of all tools in `count` steps of `step` seconds from `start` on; steps without a call are left out."""
    values: list[Any] = [start, step, start, start + step * count, origin, origin]
    return ask(home, lambda c: [Bin(**row) for row in select(c, _BINS, values)], notes)


def call_totals(home: Home, *, origin: str | None = "agent", notes: list[str] | None = None) -> list[Total]:
    """Every tool and version on record."""
    return ask(home, lambda c: [Total(**row) for row in select(c, _TOTALS, [origin, origin])], notes)


def call_points(
    home: Home,
    artifact: str,
    tool: str,
    start: float,
    end: float,
    most: int,
    *,
    origin: str | None = "agent",
    notes: list[str] | None = None,
) -> list[Point]:
    """The newest `most` calls of one tool within [start, end), oldest first."""
    values: list[Any] = [artifact, tool, start, end, origin, origin, most]
    found = ask(home, lambda c: [Point(**row) for row in select(c, _POINTS, values)], notes)
    return found[::-1]


def call_span(home: Home, *, notes: list[str] | None = None) -> tuple[float, float] | None:
    """When the first and the last call on record began; None when there is none."""
    query = "SELECT MIN(at) AS first, MAX(at) AS last FROM calls"
    found = ask(home, lambda c: select(c, query, []), notes)
    return (found[0]["first"], found[0]["last"]) if found and found[0]["first"] is not None else None


def call_histograms(home: Home, bounds: Sequence[float], *, notes: list[str] | None = None) -> list[Histogram]:
    """All calls of every origin by tool; `bounds` are in seconds, ascending."""
    columns = ", ".join(f"SUM(duration_ms <= {float(b) * 1000!r}) AS within_{i}" for i, b in enumerate(bounds))
    query = (
        f"SELECT artifact, tool, status, COUNT(*) AS calls, SUM(duration_ms) AS ms, {columns} "
        "FROM calls GROUP BY artifact, tool, status ORDER BY artifact, tool, status"
    )

    def question(connection: "sqlite3.Connection") -> list[Histogram]:
        return _merged(select(connection, query, []), len(bounds))

    return ask(home, question, notes)


def _merged(rows: list[dict[str, Any]], bounds: int) -> list[Histogram]:
    by_tool: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_tool.setdefault((row["artifact"], row["tool"]), []).append(row)
    return [
        Histogram(
            artifact,
            tool,
            {row["status"]: row["calls"] for row in group},
            [sum(row[f"within_{i}"] or 0 for row in group) for i in range(bounds)],
            sum(row["ms"] or 0.0 for row in group) / 1000,
        )
        for (artifact, tool), group in by_tool.items()
    ]
