"""Tools by use and latency, and one tool over time."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.dashboard.charts import activity, buckets, durations, spark
from harnessgym_mcp.dashboard.pages.health import never_used
from harnessgym_mcp.dashboard.periods import PERIODS, Period, period_of
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.store.callseries import Bin, call_bins, call_points, call_totals
from harnessgym_mcp.store.callstats import ToolStats, recent_calls, tool_stats

__all__ = ["tool", "tools"]

_RECENT = 500  # of an artifact's calls, among which the tool's own failures are looked for
_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One version of one tool within the period, and its use over time (of all versions)."""

    stats: ToolStats
    spark: Markup


def tools(site: Site, request: Request) -> dict[str, Any]:
    period = _period(site, request)
    notes: list[str] = []
    stats = tool_stats(site.home, since=period.start, notes=notes)
    bins = call_bins(site.home, period.start, period.step, period.count)
    registry = site.stores().registry.load()
    ever = call_totals(site.home)
    active = [a for a in registry.artifacts.values() if a.status == "active"]
    return {
        "rows": [Row(s, _spark(i, s, bins, period)) for i, s in enumerate(_by_use(stats))],
        "unused": [(a.name, t, a.version.description) for a in active for t in never_used(a, ever)],
        "period": period,
        "periods": PERIODS,
        "notes": notes,
        "current": {a.name: a.current for a in registry.artifacts.values()},
    }


def tool(site: Site, request: Request) -> dict[str, Any]:
    """One tool's page. Raises NotFoundError for a tool that is neither listed nor on record."""
    artifact, name = (request.query_params.get(key, "") for key in ("artifact", "name"))
    period = _period(site, request)
    found = site.stores().registry.load().artifacts.get(artifact)
    definition = _definition(found.version.tools, name) if found and found.versions else None
    ever = [s for s in tool_stats(site.home, artifact=artifact) if s.tool == name]
    if definition is None and not ever:
        raise NotFoundError(f"no tool {one_line(name, 60)} of {one_line(artifact, 60)}", hint="see the list of tools")
    points = call_points(site.home, artifact, name, period.start, period.end, site.policy.dashboard.series_calls)
    steps = buckets(points, period)
    return {
        "artifact": artifact,
        "tool": name,
        "known": found is not None,
        "definition": definition,
        "period": period,
        "periods": PERIODS,
        "steps": [s for s in steps if s[1]],
        "use": activity("use", [(s[1], s[2]) for s in steps], period) if points else "",
        "latency": durations("latency", steps, period) if points else "",
        "stats": ever,
        "cut": len(points) >= site.policy.dashboard.series_calls,
        "failures": _failures(site, artifact, name),
    }


def _period(site: Site, request: Request) -> Period:
    return period_of(request.query_params.get("range", ""), site.home, site.policy.dashboard.buckets)


def _by_use(stats: list[ToolStats]) -> list[ToolStats]:
    return sorted(stats, key=lambda s: (-s.calls, s.artifact, s.tool))


def _spark(number: int, stats: ToolStats, bins: list[Bin], period: Period) -> Markup:
    counts = [0] * period.count
    for found in bins:
        if (found.artifact, found.tool) == (stats.artifact, stats.tool) and 0 <= found.number < period.count:
            counts[found.number] = found.calls
    return spark(f"spark-{number}", counts, f"Use of {stats.tool} over time")


def _definition(listed: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((t for t in listed if t.get("name") == name), None)


def _failures(site: Site, artifact: str, tool: str) -> list[dict[str, Any]]:
    recent = recent_calls(site.home, _RECENT, artifact=artifact, origin="agent")
    return [c for c in reversed(recent) if c["tool"] == tool and c["status"] != "completed"][:_FAILURES]
