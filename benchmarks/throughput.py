"""Calls a second with several under way, and what the record of calls takes of them: bursts of all arms in turns."""

import statistics
from typing import Any

from benchmarks.arms import Arm, all_arms, ours
from benchmarks.bench import Bench, Plan, against
from benchmarks.clients import Client

AT_ONCE = {1: 1, 8: 2, 32: 5}  # and how many times as many calls, so that bursts last alike
SLOW_PART = 10  # one in so many calls, for slow arms, whatever is at once
MORE_BURSTS = 2  # times as many, for a difference of a few per cent
LENGTHS = (
    2,
    10,
)  # of these bursts, in times the calls of a plan: one that ends before rows are written, one that does not
UNWRITTEN, UNRECORDED = "ours, rows made but not written", "ours, no record"


def throughput(bench: Bench, plan: Plan) -> dict[str, Any]:
    """mounts -> calls at once -> arm -> `median` and `best` of the bursts, `ratio` (to direct)."""
    out = {}
    for mounts in (1, plan.many):
        clients = _warm([arm for arm in all_arms(bench, mounts) if arm.at_once])
        out[str(mounts)] = {str(at_once): _rates(clients, at_once, plan) for at_once in AT_ONCE}
        for _, client in clients:
            client.close()
    for by_number in out.values():
        for row in by_number.values():
            against(row, "median")
    return out


def telemetry(bench: Bench, plan: Plan) -> dict[str, Any]:
    """calls in a burst -> arm -> `median` and `best` calls a second at 32 at once; `ratio` is to the arm without a
    record."""
    without = [ours(bench, 1, UNWRITTEN, "unwritten"), ours(bench, 1, UNRECORDED, "unrecorded")]
    clients = _warm([ours(bench, 1), *without])
    out = {}
    for times in LENGTHS:
        row = _rates(clients, max(AT_ONCE), plan._replace(bursts=plan.bursts * MORE_BURSTS), plan.calls * times)
        against(row, "median", UNRECORDED)
        out[str(plan.calls * times)] = row
    return out


def _warm(arms: list[Arm]) -> list[tuple[Arm, Client]]:
    clients = [(arm, arm.opened()) for arm in arms]
    for _, client in clients:
        for name in client.names * 5:
            client.time_call(name)
    return clients


def _rates(clients: list[tuple[Arm, Client]], at_once: int, plan: Plan, length: int = 0) -> dict[str, dict[str, Any]]:
    """`length` is that of each burst in calls; 0: as many as take about as long at any number at once."""
    rates: dict[str, list[float]] = {arm.name: [] for arm, _ in clients}
    for arm, client in plan.turns(clients, plan.bursts):
        calls = length or arm.share(plan.calls * AT_ONCE[at_once], SLOW_PART * AT_ONCE[at_once], 2 * at_once)
        rates[arm.name].append(client.burst(at_once, calls))
        plan.settle()
    return {name: {"median": round(statistics.median(each)), "best": round(max(each))} for name, each in rates.items()}
