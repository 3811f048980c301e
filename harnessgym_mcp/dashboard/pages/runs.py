"""Runs and comparisons, with the report's own charts and tables."""

from typing import Any

from starlette.requests import Request

from harnessgym_mcp.dashboard.run_record import read_run, score_chart
from harnessgym_mcp.dashboard.runs import find_run, found_runs
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.report.page import SEVERITIES, SIGNS, legend, sections
from harnessgym_mcp.report.words import ARM_NAMES

__all__ = ["run", "runs"]


def runs(site: Site, request: Request) -> dict[str, Any]:
    found = found_runs(site.home, site.policy.dashboard)
    return {"runs": [(f, read_run(f.record) if f.record else None) for f in found], "signs": SIGNS}


def run(site: Site, request: Request) -> dict[str, Any]:
    """Raises NotFoundError."""
    found = find_run(site.home, request.path_params["id"], site.policy.dashboard)
    view = read_run(found.record) if found.record else None
    return {
        "run": found,
        "view": view,
        "chart": score_chart(view) if view else "",
        "sections": sections(found.model) if found.model else [],
        "signs": SIGNS,
        "severities": SEVERITIES,
        "arm_names": ARM_NAMES,
        "legend": legend,
    }
