"""What one call does to the others: one that takes long, one with a large result, one whose server is killed."""

import os
import select
import signal
import statistics
import time
from typing import Any

from benchmarks.arms import OURS, direct, ours
from benchmarks.bench import Bench, Plan, cuts
from benchmarks.clients import SMALL, Client, Pipe, children, family

SLOW_ROUNDS = 3
LARGE_STARTS = 4
LARGE_ROUNDS = 10  # after each start
READ = 1 << 20
PATIENCE_MS = 60_000


def stalls(bench: Bench, plan: Plan) -> dict[str, Any]:
    """`slow_call`, `large_result` and `kill`, as told below."""
    return {
        "slow_call": beside_a_slow_call(bench, plan),
        "large_result": beside_a_large_result(bench, plan),
        "kill": after_a_kill(bench, plan),
    }


# ---- one call that takes long


def beside_a_slow_call(bench: Bench, plan: Plan) -> dict[str, Any]:
    """idle | busy -> p50, p95, p99 in us of calls to the other mounts of one client, and `p99_ratio`."""
    client = ours(bench, plan.many).opened()
    for name in client.names * 5:
        client.time_call(name)
    idle: list[float] = []
    busy: list[float] = []
    for _ in range(SLOW_ROUNDS):
        until = time.perf_counter() + plan.slow
        while time.perf_counter() < until:
            idle += [client.time_call(name) for name in client.names[1:]]
        busy += _while_waiting(client, int(plan.slow * 1000))
    client.close()
    row = {"idle": cuts(idle) | {"calls": len(idle)}, "busy": cuts(busy) | {"calls": len(busy)}}
    return row | {"p99_ratio": round(row["busy"]["p99"] / row["idle"]["p99"], 3)}


def _while_waiting(client: Client, ms: int) -> list[float]:
    """Times of small calls of the other mounts until the first has answered its long one."""
    client.call(client.names[0], b'{"size":100,"ms":%d}' % ms)
    slow = b'"id":%d,' % client.id
    took: list[float] = []
    while True:
        began = time.perf_counter_ns()
        client.call(client.names[1 + len(took) % (len(client.names) - 1)], SMALL.arguments)
        answer = client.receive().replace(b": ", b":")
        took.append((time.perf_counter_ns() - began) / 1000)
        if slow in answer[:80]:
            client.receive()
            return took[:-1]


# ---- one call with a large result


def beside_a_large_result(bench: Bench, plan: Plan) -> dict[str, Any]:
    """arm -> `gap_ms`: the longest time without an answer in a stream of small calls while the large result passes.

    Direct twice: with two servers whose pipes the client reads as their bytes come, and with one server that answers
    both through its one pipe, as every front has to its client. `ratio` is to the latter.
    """
    gaps: dict[str, list[float]] = {}
    for _ in range(min(LARGE_STARTS, plan.starts)):
        two = [direct(bench).opened() for _ in range(2)]
        one = direct(bench, "--at-once").opened()
        front = ours(bench, 2).opened()
        streams = {
            "direct, two pipes": (two[0], two[1]),
            "direct, one pipe": (one, one),
            OURS: (front, front),
        }
        for small, large in streams.values():
            longest_gap(small, large, plan.large)  # memory grows with the first one
        for name, (small, large) in plan.turns(list(streams.items()), LARGE_ROUNDS):
            gaps.setdefault(name, []).append(longest_gap(small, large, plan.large))
        for client in (*two, one, front):
            client.close()
    row: dict[str, dict[str, Any]] = {name: {"gap_ms": round(statistics.median(v), 2)} for name, v in gaps.items()}
    for figures in row.values():
        figures["ratio"] = round(figures["gap_ms"] / row["direct, one pipe"]["gap_ms"], 3)
    return row


def longest_gap(small: Client, large: Client, size: int) -> float:
    """Milliseconds. Both clients may be one; small calls follow one another until the large result is whole."""
    poll, unread = select.poll(), {}
    for client in (small, large):
        assert isinstance(client, Pipe)
        unread[client.stdout.fileno()] = 0
        poll.register(client.stdout, select.POLLIN)
    large.call(large.names[-1], b'{"size":%d}' % size)
    small.call(small.names[0], SMALL.arguments)
    last, longest, missing = time.perf_counter(), 0.0, {"small", "large"}
    while missing:
        for descriptor, _ in poll.poll(PATIENCE_MS):
            for length in _lines(descriptor, unread):
                if length > size:
                    missing.discard("large")
                    continue
                longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
                if "large" in missing:
                    small.call(small.names[0], SMALL.arguments)
                else:
                    missing.discard("small")
    return longest * 1000


def _lines(descriptor: int, unread: dict[int, int]) -> list[int]:
    """Lengths of the lines that end in what can be read now; `unread` keeps what began of the next."""
    data = os.read(descriptor, READ)
    assert data, "the server is gone"
    parts = data.split(b"\n")
    lengths = [len(part) for part in parts]
    lengths[0] += unread[descriptor]
    unread[descriptor] = lengths.pop()
    return lengths


# ---- one call whose server is killed


def after_a_kill(bench: Bench, plan: Plan) -> dict[str, Any]:
    """Medians in ms: `answered_ms` from SIGKILL to the answer of the call under way, `next_ms` from then until the
    next call is answered by a new process (policy's pause before a restart is in it)."""
    client = ours(bench, 2).opened()
    doomed, other = client.names[:2]
    client.time_call(other)
    kept = set(children(client.process.pid))
    times = [kill_and_ask(client, doomed, other, kept) for _ in range(plan.kills)]
    client.close()
    answered, following = zip(*times, strict=True)
    return {
        "answered_ms": round(statistics.median(answered), 2),
        "answered_worst_ms": round(max(answered), 2),
        "next_ms": round(statistics.median(following), 1),
        "next_worst_ms": round(max(following), 1),
        "kills": plan.kills,
    }


def kill_and_ask(client: Client, doomed: bytes, other: bytes, kept: set[int]) -> tuple[float, float]:
    client.time_call(doomed)
    (outermost,) = set(children(client.process.pid)) - kept
    below = set(family(outermost))
    client.call(doomed, b'{"size":100,"ms":30000}')
    client.time_call(other)  # by now the front has passed on what came before
    began = time.perf_counter()
    os.kill(outermost, signal.SIGKILL)
    answer = client.receive()
    answered = time.perf_counter() - began
    assert b"upstream-died" in answer, answer[:300]
    client.time_call(doomed)
    following = time.perf_counter() - began - answered
    assert not below & set(family(client.process.pid)), "the same process answered"
    return answered * 1000, following * 1000
