"""Calls made one at a time: percentiles for each arm and answer, batches of all arms in turns.

Two starts of one program differ by more than its calls do, so each arm is started several times.
"""

import os
import statistics
import time
from itertools import chain
from typing import Any

from benchmarks.arms import DIRECT, Arm, all_arms
from benchmarks.bench import Bench, Plan, against, cuts
from benchmarks.clients import SHAPES, SMALL, Shape

LARGE_PART, SLOW_PART = 8, 4  # one in so many calls, for large answers and for slow arms

Times = dict[str, list[float]]  # arm -> us of each call


def latency(bench: Bench, plan: Plan) -> dict[str, Any]:
    """answer -> arm -> p50, p95, p99 in us and `calls`, those of all starts together; `added_p50`, `added_p99` and
    `ratio` (to direct); `between`, the least and the greatest `added_p50` of one start."""
    starts = [_start(all_arms(bench, 1), plan, number) for number in range(plan.alone)]
    return {shape.label: _compared([took[shape.label] for took in starts]) for shape in SHAPES}


def _start(arms: list[Arm], plan: Plan, number: int) -> dict[str, Times]:
    """answer -> arm -> us of each call, after one start of each arm."""
    clients = [(arm, arm.opened()) for arm in arms]
    out = {}
    for shape in SHAPES:
        batches: dict[str, list[list[float]]] = {arm.name: [] for arm in arms}
        for arm, client in plan.turns(clients, 1 + plan.rounds, number):
            count = arm.share(_batch(plan, shape), SLOW_PART, 5)
            batches[arm.name].append([client.time_call(client.names[0], shape) for _ in range(count)])
            time.sleep(plan.pause)
        out[shape.label] = {name: list(chain(*each[1:])) for name, each in batches.items()}  # the first: to warm up
    for _, client in clients:
        client.close()
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
    return plan.calls // plan.alone // plan.rounds // (1 if shape is SMALL else LARGE_PART)


def _compared(starts: list[Times]) -> dict[str, dict[str, Any]]:
    together = {name: list(chain(*(took[name] for took in starts))) for name in starts[0]}
    row: dict[str, dict[str, Any]] = {name: cuts(times) | {"calls": len(times)} for name, times in together.items()}
    for name, figures in row.items():
        for cut in ("p50", "p99"):
            figures[f"added_{cut}"] = round(figures[cut] - row[DIRECT][cut], 1)
        added = [statistics.median(took[name]) - statistics.median(took[DIRECT]) for took in starts]
        figures["between"] = [round(min(added), 1), round(max(added), 1)]
    against(row, "p50")
    return row
