"""Calls a second with several under way, and what the record of calls takes of them: bursts of all arms in turns."""

import statistics
from typing import Any

from benchmarks.arms import OURS, Arm, all_arms, ours
from benchmarks.bench import Bench, Plan, against, processor_seconds
from benchmarks.clients import Client

AT_ONCE = {1: 1, 8: 2, 32: 5}  # and how many times as many calls, so that bursts last alike
SLOW_PART = 10  # one in so many calls, for slow arms, whatever is at once
STARTS = 6  # of each arm: two starts differ more than two bursts
BURSTS = 3  # after each
LENGTHS = (2, 10)  # of their bursts, in times the calls of a plan
UNRECORDED = "ours, no record"


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
    """calls in a burst -> arm -> `median` and `best` calls a second at 32 at once, `ratio` (to the arm without a
    record), and the front's processor time in microseconds for each call: `during` the burst, and `after` it."""
    out = {}
    for times in LENGTHS:
        length = plan.calls * times
        seen: dict[str, list[tuple[float, float, float]]] = {OURS: [], UNRECORDED: []}
        for _ in range(min(STARTS, plan.starts)):
            clients = _warm([ours(bench, 1), ours(bench, 1, UNRECORDED, "unrecorded")])
            for arm, client in plan.turns(clients, min(BURSTS, plan.bursts)):
                seen[arm.name].append(_burst(client, length, plan))
            for _, client in clients:
                client.close()
        row = {arm: _taken(bursts) for arm, bursts in seen.items()}
        against(row, "median", UNRECORDED)
        out[str(length)] = row
    return out


def _burst(client: Client, length: int, plan: Plan) -> tuple[float, float, float]:
    """Calls a second; microseconds for each call during the burst and after it."""
    pid = client.process.pid
    begin = processor_seconds(pid)
    rate = client.burst(max(AT_ONCE), length)
    end = processor_seconds(pid)
    plan.settle(pid)
    return rate, (end - begin) / length * 1e6, (processor_seconds(pid) - end) / length * 1e6


def _taken(bursts: list[tuple[float, float, float]]) -> dict[str, Any]:
    rates, during, after = zip(*bursts, strict=True)
    times = {"during": round(statistics.median(during), 2), "after": round(statistics.median(after), 2)}
    return {"median": round(statistics.median(rates)), "best": round(max(rates))} | times


def _warm(arms: list[Arm]) -> list[tuple[Arm, Client]]:
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
