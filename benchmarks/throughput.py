"""Calls a second with several under way, and what the record of calls takes of them: bursts of all arms in turns."""

import statistics
from typing import Any

from benchmarks.arms import OURS, Arm, all_arms, ours
from benchmarks.bench import Bench, Plan, against
from benchmarks.clients import Client

AT_ONCE = (1, 8, 32)
SLOW_PART = 10  # one in so many calls, for slow arms
MORE_BURSTS, MORE_CALLS = 2, 5  # for a difference of a few per cent, over many of the record's intervals


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
    """arm -> `median` and `best` calls a second at 32 at once; `ratio` is with the record to without."""
    unrecorded = "ours, no record"
    clients = _warm([ours(bench, 1), ours(bench, 1, unrecorded, "unrecorded")])
    longer = plan._replace(bursts=plan.bursts * MORE_BURSTS, calls=plan.calls * MORE_CALLS)
    row = _rates(clients, AT_ONCE[-1], longer)
    against(row, "median", unrecorded)
    return {OURS: row[OURS], unrecorded: row[unrecorded]}


def _warm(arms: list[Arm]) -> list[tuple[Arm, Client]]:
    clients = [(arm, arm.opened()) for arm in arms]
    for _, client in clients:
        for name in client.names * 5:
            client.time_call(name)
    return clients


def _rates(clients: list[tuple[Arm, Client]], at_once: int, plan: Plan) -> dict[str, dict[str, Any]]:
    rates: dict[str, list[float]] = {arm.name: [] for arm, _ in clients}
    for arm, client in plan.turns(clients, plan.bursts):
        rates[arm.name].append(client.burst(at_once, arm.share(plan.calls, SLOW_PART, 2 * at_once)))
        plan.settle()
    return {name: {"median": round(statistics.median(each)), "best": round(max(each))} for name, each in rates.items()}
