"""Is that a change? Comparisons, regressions and trends, with statistics that single outliers leave alone."""

import math
from itertools import accumulate, combinations
from typing import Any

import robust
from history import Entry
from values import rounded

SUSPICIOUS = 3.5  # robust standard deviations beyond which a value is no longer chance
LEAST = 3  # earlier entries without which a new one cannot be judged


def percent(before: float, after: float) -> float | None:
    return rounded(100 * (after - before) / abs(before), 4) if before else None


def worse(before: float, after: float, lower: bool) -> bool:
    return (after > before) == lower and after != before


# ---- two sides


def compare(a: list[Entry], b: list[Entry], negligible: float) -> dict[str, Any]:
    """Has it changed from a to b? The values of several entries on a side are taken together."""
    old, new = ([value for entry in side for value in entry.values] for side in (a, b))
    lower = a[0].lower
    answer = {
        "a": {"entries": [e.number for e in a], "median": rounded(robust.median(old)), "runs": len(old)},
        "b": {"entries": [e.number for e in b], "median": rounded(robust.median(new)), "runs": len(new)},
        "change_percent": percent(robust.median(old), robust.median(new)),
        "same_environment": len({entry.place for entry in [*a, *b]}) == 1,
    }
    return {**answer, **_verdict(old, new, lower, negligible)}


def _verdict(old: list[float], new: list[float], lower: bool, negligible: float) -> dict[str, Any]:
    ratios = min(*old, *new) > 0
    first, second = ([math.log(v) for v in side] if ratios else side for side in (old, new))
    interval = robust.difference_interval(first, second)
    if interval is None:
        return {"verdict": "too few runs", "says": f"each side needs {robust.FEW} values; record all runs, not one"}
    shown = {"ratio_interval_95" if ratios else "difference_interval_95": _pair(interval, ratios)}
    limit = math.log1p(negligible / 100) if ratios else negligible / 100 * abs(robust.mean(old))
    if interval.low <= 0 <= interval.high:
        return {"verdict": "noise", "says": "the difference is within the noise of the runs", **shown}
    if abs(interval.estimate) <= limit:
        return {"verdict": "negligible", "says": f"real, and below {negligible}%", **shown}
    return {"verdict": "worse" if worse(0, interval.estimate, lower) else "better", **shown}


def _pair(interval: robust.Interval, ratios: bool) -> list[float]:
    interval = robust.as_ratio(interval) if ratios else interval
    return [rounded(interval.low), rounded(interval.high)]


# ---- the latest against what came before


def judge_latest(entries: list[Entry], window: int, negligible: float) -> dict[str, Any]:
    """The latest entry of one benchmark against up to `window` earlier ones from the same environment."""
    latest = entries[-1]
    alike = [entry for entry in entries[:-1] if entry.place == latest.place]
    row: dict[str, Any] = {"benchmark": latest.benchmark, "latest": latest.shown()}
    if elsewhere := len(entries) - 1 - len(alike):
        row["left_out"] = f"{elsewhere} earlier entries from other environments"
    if len(alike) < LEAST:
        return {**row, "verdict": "too few", "says": f"{len(alike)} earlier entries here; {LEAST} are needed"}
    medians = [entry.median for entry in alike[-window:]]
    usual = robust.median(medians)
    spread = max(robust.SIGMA * robust.mad(medians), _within(alike[-window:]))
    distance = abs(latest.median - usual)
    row |= {"usual": rounded(usual), "change_percent": percent(usual, latest.median), "entries_compared": len(medians)}
    row |= {"sigmas": rounded(distance / spread, 3)} if spread else {}
    if distance <= SUSPICIOUS * spread or distance <= negligible / 100 * abs(usual):
        return {**row, "verdict": "usual"}
    return {**row, "verdict": "regression" if worse(usual, latest.median, latest.lower) else "improvement"}


def _within(entries: list[Entry]) -> float:
    """The error of an entry's median as its own runs show it, of the typical entry."""
    errors = [robust.SIGMA * robust.mad(e.values) / math.sqrt(len(e.values)) for e in entries if len(e.values) > 2]
    return robust.median(errors) if errors else 0.0


# ---- a whole series


def trend(medians: list[float], lower: bool) -> dict[str, Any]:
    """Slope (Theil-Sen), whether it is one (Mann-Kendall), and the likeliest single step (Pettitt)."""
    if len(medians) < 4:
        return {"direction": "too few", "says": "a trend needs 4 entries, better 10"}
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(medians), 2)]
    slope, p = robust.median(slopes), _mann_kendall(medians)
    centre = abs(robust.median(medians))
    word = "worsening" if worse(0, slope, lower) else "improving"
    return {
        "direction": "flat" if p > 0.05 or slope == 0 else word,
        "percent_per_entry": rounded(100 * slope / centre, 3) if centre else None,
        "p_mann_kendall": round(p, 4),
        "step": _step(medians),
    }


def _mann_kendall(values: list[float]) -> float:
    """Two-sided, by the normal approximation with its correction for ties."""
    count = len(values)
    score = sum((b > a) - (b < a) for a, b in combinations(values, 2))
    ties = [values.count(value) for value in set(values)]
    variance = (_cubic(count) - sum(map(_cubic, ties))) / 18
    if variance <= 0 or score == 0:
        return 1.0
    return math.erfc((abs(score) - 1) / math.sqrt(variance) / math.sqrt(2))


def _cubic(n: int) -> int:
    return n * (n - 1) * (2 * n + 5)


def _step(values: list[float]) -> dict[str, Any] | None:
    """Where the series most likely jumped, if it did; `at` counts entries from 0."""
    count = len(values)
    steps = [sum((other > value) - (other < value) for other in values) for value in values[:-1]]
    scores = [abs(score) for score in accumulate(steps)]
    best = max(scores)
    p = min(1.0, 2 * math.exp(-6 * best**2 / (count**3 + count**2)))
    if p > 0.05:
        return None
    at = scores.index(best) + 1
    before, after = robust.median(values[:at]), robust.median(values[at:])
    return {
        "at": at,
        "before": rounded(before),
        "after": rounded(after),
        "percent": percent(before, after),
        "p": round(p, 4),
    }
