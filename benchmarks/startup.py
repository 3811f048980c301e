"""From the start of a process to its first answers, and what it weighs then."""

import statistics
from pathlib import Path
from typing import Any

from benchmarks.arms import Arm, direct, fastmcp, ours, relay
from benchmarks.bench import Bench, Plan
from benchmarks.clients import family


def arms(bench: Bench, plan: Plan) -> list[Arm]:
    """All that start, each with the mounts that it lists."""
    listed = [ours(bench, mounts) for mounts in plan.listed]
    return [direct(bench), relay(bench), *listed, *fastmcp(bench, 1), *fastmcp(bench, plan.many)]


def start_up(bench: Bench, plan: Plan) -> list[dict[str, Any]]:
    """`arm`, `mounts`, `initialize_ms` and `tools_list_ms`: medians over starts of all in turns, the first left out."""
    starting = arms(bench, plan)
    took: list[list[tuple[float, float]]] = [[] for _ in starting]
    for arm, times in plan.turns(list(zip(starting, took, strict=True)), plan.starts + 1):
        client = arm.start()
        times.append(client.open(arm.mounts))
        client.close()
    return [
        {"arm": arm.name, "mounts": arm.mounts, "initialize_ms": _ms(times, 0), "tools_list_ms": _ms(times, 1)}
        for arm, times in zip(starting, took, strict=True)
    ]


def _ms(times: list[tuple[float, float]], which: int) -> float:
    return round(1000 * statistics.median(each[which] for each in times[1:]), 1)


def memory(bench: Bench, plan: Plan) -> list[dict[str, Any]]:
    """`arm`, `mounts`, `running` (calls were made to so many) and megabytes, see `weight`."""
    least, most = plan.listed[0], plan.listed[-1]
    weighed = [(relay(bench), 1), (ours(bench, least), 0), (ours(bench, most), 0), (ours(bench, plan.many), plan.many)]
    weighed += [(arm, arm.mounts) for mounts in (1, plan.many) for arm in fastmcp(bench, mounts)]
    return [
        {"arm": arm.name, "mounts": arm.mounts, "running": running} | weight(arm, running) for arm, running in weighed
    ]


def weight(arm: Arm, running: int) -> dict[str, Any]:
    """Resident memory of the front and of all its processes; PSS counts what several share only once."""
    client = arm.opened()
    for name in client.names[:running] * 3:
        client.time_call(name)
    pids = list(family(client.process.pid))
    each = [rollup(pid) for pid in pids]
    client.close()
    out: dict[str, Any] = {"processes": len(pids)}
    for kind in ("Rss", "Pss"):
        sizes = [sizes[kind] for sizes in each]
        out[f"front_{kind.lower()}_mb"] = round(sizes[0] / 1024, 1)
        out[f"tree_{kind.lower()}_mb"] = round(sum(sizes) / 1024, 1)
    return out


def rollup(pid: int) -> dict[str, int]:
    """A process's sizes in kilobytes. Of another user's namespace they may be hidden: PermissionError."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(size) for name, size, *_ in map(str.split, lines)}
