"""Calls made one at a time: percentiles for each arm and answer, batches of all arms in turns."""

import os
import time
from itertools import chain
from typing import Any

from benchmarks.arms import DIRECT, all_arms
from benchmarks.bench import Bench, Plan, against, cuts
from benchmarks.clients import SHAPES, SMALL, Shape

LARGE_PART, SLOW_PART = 8, 4  # one in so many calls, for large answers and for slow arms


def latency(bench: Bench, plan: Plan) -> dict[str, Any]:
    """answer -> arm -> p50, p95, p99 in us, `calls`, `added_p50`, `added_p99` and `ratio` (to direct)."""
    arms = all_arms(bench, 1)
    clients = [(arm, arm.opened()) for arm in arms]
    out = {}
    for shape in SHAPES:
        took: dict[str, list[list[float]]] = {arm.name: [] for arm in arms}
        for arm, client in plan.turns(clients, 1 + plan.rounds):
            count = arm.share(_batch(plan, shape), SLOW_PART, 5)
            took[arm.name].append([client.time_call(client.names[0], shape) for _ in range(count)])
            time.sleep(plan.pause)
        out[shape.label] = _compared(took)
    return out


def pinned(bench: Bench, plan: Plan) -> dict[str, Any]:
    """`latency` with all processes on one processor: what the way costs, without what it takes to wake another
    processor, which depends on where the system puts whom and changes from start to start."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        return latency(bench, plan)
    finally:
        os.sched_setaffinity(0, allowed)


def _batch(plan: Plan, shape: Shape) -> int:
    return plan.calls // plan.rounds // (1 if shape is SMALL else LARGE_PART)


def _compared(batches: dict[str, list[list[float]]]) -> dict[str, dict[str, Any]]:
    took = {name: list(chain(*each[1:])) for name, each in batches.items()}  # the first was to warm up
    row: dict[str, dict[str, Any]] = {name: cuts(times) | {"calls": len(times)} for name, times in took.items()}
    for figures in row.values():
        for cut in ("p50", "p99"):
            figures[f"added_{cut}"] = round(figures[cut] - row[DIRECT][cut], 1)
    against(row, "p50")
    return row
