"""Calls a second with several under way: bursts of all arms in turns."""

import statistics
from typing import Any

from benchmarks.arms import Arm, all_arms
from benchmarks.bench import Bench, Plan, against
from benchmarks.clients import Client

AT_ONCE = {1: 1, 8: 2, 32: 5}  # and how many times as many calls, so that bursts last alike
SLOW_PART = 10  # one in so many calls, for slow arms, whatever is at once


def throughput(bench: Bench, plan: Plan) -> dict[str, Any]:
    """mounts -> calls at once -> arm -> `median` and `best` of the bursts, `ratio` (to direct)."""
    out = {}
    for mounts in (1, plan.many):
        clients = warm([arm for arm in all_arms(bench, mounts) if arm.at_once])
        out[str(mounts)] = {str(at_once): _rates(clients, at_once, plan) for at_once in AT_ONCE}
        for _, client in clients:
            client.close()
    for by_number in out.values():
        for row in by_number.values():
            against(row, "median")
    return out


def warm(arms: list[Arm]) -> list[tuple[Arm, Client]]:
    """Started, and each tool called a few times."""
    clients = [(arm, arm.opened()) for arm in arms]
    for _, client in clients:
        for name in client.names * 5:
            client.time_call(name)
    return clients


def _rates(clients: list[tuple[Arm, Client]], at_once: int, plan: Plan) -> dict[str, dict[str, Any]]:
    rates: dict[str, list[float]] = {arm.name: [] for arm, _ in clients}
    for arm, client in plan.turns(clients, plan.bursts):
        calls = arm.share(plan.calls * AT_ONCE[at_once], SLOW_PART * AT_ONCE[at_once], 2 * at_once)
        rates[arm.name].append(client.burst(at_once, calls))
        plan.settle(client.process.pid)
    return {name: {"median": round(statistics.median(each)), "best": round(max(each))} for name, each in rates.items()}
