"""Iterations: what was missed, what was built, what its builder predicted, and what was measured since."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from harnessgym_mcp.core.iteration import Iteration
from harnessgym_mcp.core.lifecycle import Registry, Version
from harnessgym_mcp.dashboard.run_record import read_run
from harnessgym_mcp.dashboard.runs import Found, found_runs
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.words import change, effect, number
from harnessgym_mcp.store.callseries import Total, call_totals
from harnessgym_mcp.store.iterations import IterationStore

__all__ = ["Measured", "Row", "iterations", "judged"]

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """One comparison that had the artifact in its bundle, or the run that it was built in. `word` is: as predicted,
    against the prediction, not shown yet, measured (where nothing was predicted of this metric), or seen once (a run's
    next attempt, which proves nothing)."""

    run: str
    title: str
    word: str
    told: str


@dataclass(frozen=True, slots=True)
class Row:
    """One iteration with its version, where one was published, and that version's use."""

    iteration: Iteration
    version: Version | None
    calls: int
    successes: int
    measured: list[Measured]


def iterations(site: Site, request: Request) -> dict[str, Any]:
    store = IterationStore(site.home)
    kept = store.read()
    registry = site.stores().registry.load()
    stats = call_totals(site.home)
    found = found_runs(site.home, site.policy.dashboard)
    rows = [_row(i, registry, stats, found) for i in reversed(kept[-_SHOWN:])]
    return {"rows": rows, "older": max(len(kept) - _SHOWN, 0), "notes": store.notes}


def _row(iteration: Iteration, registry: Registry, stats: list[Total], runs: list[Found]) -> Row:
    version = _version(iteration, registry)
    own = [s for s in stats if version and s.digest == version.digest]
    measured = [
        _measured(found, found.model, iteration.prediction)
        for found in runs
        if found.model and iteration.name in found.model.design.bundle.artifacts
    ]
    measured += [one for found in runs if found.record and found.id == iteration.run for one in _seen(found, iteration)]
    return Row(iteration, version, sum(s.calls for s in own), sum(s.successes for s in own), measured)


def _version(iteration: Iteration, registry: Registry) -> Version | None:
    artifact = registry.artifacts.get(iteration.name)
    digests = {a.digest for a in iteration.attempts if a.status == "qualified"}
    versions = artifact.versions if artifact else []
    return next((v for v in versions if v.digest in digests or (v.iteration and v.iteration == iteration.id)), None)


def _measured(found: Found, model: ReportModel, prediction: dict[str, Any]) -> Measured:
    estimate = model.comparison.contrasts[0].estimate
    told = f"{change(estimate, model.design.metric)} ({effect(estimate)})" if estimate else "nothing could be compared"
    return Measured(found.id, model.title, judged(model, prediction), told)


def _seen(found: Found, iteration: Iteration) -> Iterator[Measured]:
    """The score of the attempt before the artifact was built, and of the next one, which had it."""
    view = read_run(found.record)
    if iteration.step.isascii() and iteration.step.isdecimal():
        before, after = (view.score(int(iteration.step) + later) for later in (0, 1))
        if before is not None and after is not None:
            yield Measured(found.id, f"run {found.id}", "seen once", f"score {number(before)}, then {number(after)}")


def judged(model: ReportModel, prediction: dict[str, Any]) -> str:
    """A comparison's verdict in the light of a prediction `{metric, direction: up | down}`."""
    estimate = model.comparison.contrasts[0].estimate
    same = str(prediction.get("metric", "")).strip().casefold() == model.design.metric.casefold()
    direction = prediction.get("direction")
    if not same or direction not in ("up", "down") or estimate is None:
        return "measured"
    if model.comparison.judgement.word not in ("better", "worse"):
        return "not shown yet"
    rose = estimate.value > (1.0 if estimate.scale == "ratio" else 0.0)
    return "as predicted" if rose == (direction == "up") else "against the prediction"
