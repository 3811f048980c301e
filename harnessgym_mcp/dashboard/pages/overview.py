"""The first page: is all well, what is used, what needs a hand."""

from typing import Any

from starlette.requests import Request

from harnessgym_mcp.core.lifecycle import hidden
from harnessgym_mcp.dashboard.charts import activity
from harnessgym_mcp.dashboard.pages.health import health_of, total
from harnessgym_mcp.dashboard.periods import PERIODS, period_of
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.server.presence import fronts
from harnessgym_mcp.server.view import look
from harnessgym_mcp.store.callseries import Bin, call_bins, call_totals

__all__ = ["overview"]


def overview(site: Site, request: Request) -> dict[str, Any]:
    stores = site.stores()
    view = look(stores, site.policy)
    notes = list(stores.registry.notes)
    period = period_of(request.query_params.get("range", ""), site.home, site.policy.dashboard.buckets)
    stats = call_totals(site.home, notes=notes)
    bins = call_bins(site.home, period.start, period.step, period.count)
    artifacts = [health_of(site, a, view, stats) for a in view.registry.artifacts.values()]
    counts = _counts(bins, period.count)
    return {
        "artifacts": sorted(artifacts, key=lambda h: (h.state == "archived", h.name)),
        "new_trees": [(name, why) for name, (_, why, _) in view.waiting.items() if name not in view.registry.artifacts],
        "other_problems": [(n, why) for n, why in view.problems.items() if n not in view.registry.artifacts],
        "quarantined": hidden(view.registry),
        "notes": notes,
        "isolation": _isolation(site),
        "fronts": fronts(site.home),
        "period": period,
        "periods": PERIODS,
        "chart": activity("activity", counts, period) if bins else "",
        "calls": sum(c for c, _ in counts),
        "successes": sum(g for _, g in counts),
        "ever": total(stats, "calls"),
        "generation": view.registry.generation,
    }


def _counts(bins: list[Bin], count: int) -> list[tuple[int, int]]:
    sums = [[0, 0] for _ in range(count)]
    for found in bins:
        if 0 <= found.number < count:
            sums[found.number][0] += found.calls
            sums[found.number][1] += found.successes
    return [(calls, good) for calls, good in sums]


def _isolation(site: Site) -> dict[str, Any]:
    try:
        report = choose_sandbox(site.policy.isolation, site.home.state).report
    except HarnessGymError as error:
        return {"tier": "none", "mechanism": error.message, "missing": [], "hint": error.hint}
    return {"tier": report.tier, "mechanism": report.mechanism, "missing": report.missing, "hint": ""}
