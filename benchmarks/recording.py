"""What the record of calls takes: bursts of a front and of the same front without a record, in turns.

Each burst begins when both are at rest, so that rows which are written after one are not the next one's burden, and
with calls that do not count: what wakes up with the first calls (processors, pipes) is not what is asked for. Two
bursts of one front differ by more than the record takes, so there are many of them, after several starts, and each is
compared with the one beside it.
"""

import math
import random
import statistics
from typing import Any, NamedTuple

from benchmarks.arms import OURS, ours
from benchmarks.bench import Bench, Plan, processor_seconds
from benchmarks.clients import Client
from benchmarks.throughput import warm

UNRECORDED = "ours, no record"
AT_ONCE = 32
BURSTS = {2: 14, 10: 8}  # their length, in times the calls of a plan -> how many after each start, at most
DRAWS = 2000  # of the bootstrap


class Burst(NamedTuple):
    rate: float  # calls a second
    during: float  # microseconds of a processor for each call, during the burst
    after: float  # and after it


def recording(bench: Bench, plan: Plan) -> dict[str, Any]:
    """calls in a burst -> arm -> `median` and `best` calls a second at 32 at once, the front's processor time for each
    call `during` the burst and `after` it in microseconds, `ratio` (to the burst without a record beside it, geometric
    mean) and `between`, the ends of its 95 % interval (bootstrap over starts)."""
    out = {}
    for times, bursts in BURSTS.items():
        length = plan.calls * times
        starts = [_start(bench, plan, length, min(bursts, plan.pairs)) for _ in range(plan.beside)]
        ratios = [[math.log(a.rate / b.rate) for a, b in pairs] for pairs in starts]
        recorded, unrecorded = zip(*(pair for pairs in starts for pair in pairs), strict=True)
        out[str(length)] = {
            OURS: _taken(recorded) | _ratio(ratios),
            UNRECORDED: _taken(unrecorded) | {"ratio": 1.0},
        }
    return out


def _start(bench: Bench, plan: Plan, length: int, bursts: int) -> list[tuple[Burst, Burst]]:
    """Of one start of each: with a record, without."""
    arms = [ours(bench, 1, OURS, "whole"), ours(bench, 1, UNRECORDED, "unrecorded")]
    (_, recorded), (_, unrecorded) = clients = warm(arms)
    pairs = []
    for number in range(bursts):
        order = (recorded, unrecorded) if number % 2 else (unrecorded, recorded)
        took = {client: _burst(client, length, plan) for client in order}
        pairs.append((took[recorded], took[unrecorded]))
    for _, client in clients:
        client.close()
    return pairs


def _burst(client: Client, length: int, plan: Plan) -> Burst:
    pid = client.process.pid
    client.burst(AT_ONCE, plan.calls)
    begin = processor_seconds(pid)
    rate = client.burst(AT_ONCE, length)
    end = processor_seconds(pid)
    plan.settle(pid)
    rows = (processor_seconds(pid) - end) / (plan.calls + length)
    return Burst(rate, (end - begin) / length * 1e6, rows * 1e6)


def _taken(bursts: tuple[Burst, ...]) -> dict[str, Any]:
    rates = [burst.rate for burst in bursts]
    return {
        "median": round(statistics.median(rates)),
        "best": round(max(rates)),
        "during": round(statistics.median(burst.during for burst in bursts), 2),
        "after": round(statistics.median(burst.after for burst in bursts), 2),
    }


def _ratio(starts: list[list[float]]) -> dict[str, Any]:
    """Of logarithms, those of each start together."""
    means = [statistics.fmean(ratios) for ratios in starts]
    draw = random.Random(len(means)).choices
    drawn = sorted(statistics.fmean(draw(means, k=len(means))) for _ in range(DRAWS))
    between = [round(math.exp(drawn[int(DRAWS * share)]), 3) for share in (0.025, 0.975)]
    return {"ratio": round(math.exp(statistics.fmean(means)), 3), "between": between}
