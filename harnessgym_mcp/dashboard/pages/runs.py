"""Runs and comparisons, with the report's own charts and tables."""

from typing import Any

from starlette.requests import Request

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.dashboard.runs import find_run, found_runs
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.report.page import SEVERITIES, SIGNS, legend, sections
from harnessgym_mcp.report.words import ARM_NAMES

__all__ = ["run", "runs"]

_FACTS = 60


def runs(site: Site, request: Request) -> dict[str, Any]:
    return {"runs": found_runs(site.home, site.policy.dashboard), "signs": SIGNS}


def run(site: Site, request: Request) -> dict[str, Any]:
    """Raises NotFoundError."""
    found = find_run(site.home, request.path_params["id"], site.policy.dashboard)
    return {
        "run": found,
        "sections": sections(found.model) if found.model else [],
        "facts": [(str(k), _fact(v)) for k, v in list(found.record.items())[:_FACTS]],
        "steps": _steps(found.record),
        "signs": SIGNS,
        "severities": SEVERITIES,
        "arm_names": ARM_NAMES,
        "legend": legend,
    }


def _steps(record: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """A run's iterations as its record lists them: the plain facts of each."""
    listed = record.get("iterations")
    if not isinstance(listed, list):
        return []
    return [[(str(k), _fact(v)) for k, v in step.items()][:_FACTS] for step in listed if isinstance(step, dict)]


def _fact(value: object) -> str:
    if isinstance(value, dict):
        return one_line(", ".join(f"{k}: {v}" for k, v in value.items() if not isinstance(v, dict | list)), 300)
    if isinstance(value, list):
        return f"{len(value)} entries"
    return one_line(str(value), 300)
