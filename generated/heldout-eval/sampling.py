"""One command measured several times, and what its noise says about differences."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import callgrind
import robust
import score
from commands import run
from values import ToolError, rounded
from wire import Call

BUDGET = 270.0  # seconds for all runs of one call; clients give up at 300
OUTLIER = 5  # robust standard deviations from the median


@dataclass
class Job:
    """What to run, what counts as its score, and for how many seconds one run may take."""

    command: str
    score: str
    timeout: float
    profile: callgrind.Count | None = None  # of the last run, where instructions are counted

    def once(self, call: Call) -> float:
        """One run's score; raises ToolError when it fails."""
        if self.score != "instructions":
            return score.read(run(call, self.command, self.timeout), self.score)
        outcome, self.profile = callgrind.count(call, self.command, self.timeout)
        score.read(outcome, "seconds")  # for its complaint, if the command failed
        return float(self.profile.instructions)


class Clock:
    """The time that one call may take in all."""

    def __init__(self) -> None:
        self._end = time.monotonic() + BUDGET
        self._longest = 0.0

    def rounds(self, wanted: int) -> Iterator[int]:
        """Numbers from 0 while another round as long as the longest so far would still fit; at least one."""
        for number in range(wanted):
            began = time.monotonic()
            if number and began + self._longest > self._end:
                return
            yield number
            self._longest = max(self._longest, time.monotonic() - began)


def sample(call: Call, job: Job, repeats: int, warmup: int) -> list[float]:
    """The scores of up to `repeats` runs, after `warmup` further ones that do not count."""
    clock, values = Clock(), []
    for number in clock.rounds(warmup + repeats):
        call.progress(number, warmup + repeats, f"run {number + 1}")
        try:
            value = job.once(call)
        except ToolError as error:
            raise ToolError(f"run {number + 1} of {warmup + repeats}: {error}") from None
        if number >= warmup:
            values.append(value)
    if not values:
        raise ToolError("the time was up before the warm-up was over; use less of it, or a shorter command")
    return values


def pairs(call: Call, a: Job, b: Job, rounds: int) -> list[tuple[float, float]]:
    """Both commands in turns, the order changing each time, so that a drifting machine harms neither."""
    found = []
    for number in Clock().rounds(rounds):
        call.progress(number, rounds, f"round {number + 1}")
        values = {}
        for name, job in (("a", a), ("b", b)) if number % 2 == 0 else (("b", b), ("a", a)):
            try:
                values[name] = job.once(call)
            except ToolError as error:
                raise ToolError(f"command {name}, round {number + 1}: {error}") from None
        found.append((values["a"], values["b"]))
    return found


# ---- in words


def summary(values: list[float]) -> dict[str, Any]:
    """Centre, spread and interval of a series."""
    centre, sigma = robust.median(values), robust.SIGMA * robust.mad(values)
    interval = robust.mean_interval(values)
    far = [v for v in values if sigma and abs(v - centre) > OUTLIER * sigma]
    return {
        "n": len(values),
        "median": rounded(centre),
        "mad": rounded(robust.mad(values)),
        "mean": rounded(robust.mean(values)),
        "interval_95": [rounded(interval.low), rounded(interval.high)] if interval else None,
        "min": rounded(min(values)),
        "max": rounded(max(values)),
        **({"outliers": [rounded(v) for v in far[:5]]} if far else {}),
        "values": [rounded(v) for v in values[:100]],
    }


def noise(values: list[float]) -> dict[str, Any]:
    """What two series like this one could tell apart, and whether this one drifts."""
    count, centre, spread = len(values), abs(robust.mean(values)), robust.deviation(values)
    if count < robust.FEW:
        return {"says": f"{count} runs say nothing about noise; take at least {robust.FEW}, better 10"}
    if spread == 0:
        return {"detectable_percent": 0.0, "says": "every run gave the same score: any difference is real"}
    if centre == 0:
        return {"says": "the mean is 0, so nothing can be said in percent; look at interval_95"}
    reach = robust.t_quantile(0.975, 2 * count - 2) * spread * math.sqrt(2 / count)
    percent = 100 * reach / centre
    needed = max(robust.FEW, math.ceil(2 * (1.96 * spread / (0.01 * centre)) ** 2))
    return {
        "detectable_percent": rounded(percent, 3),
        "runs_to_see_1_percent": needed,
        "drift": _drift(values),
        "says": f"between two such series of {count} runs, a difference below {percent:.3g}% is noise",
    }


def _drift(values: list[float]) -> str:
    half = len(values) // 2
    change = robust.difference_interval(values[:half], values[half:], 0.99)
    if change is None or change.low <= 0 <= change.high:
        return "none seen"
    percent = 100 * change.estimate / abs(robust.mean(values[:half]) or 1)
    return f"the second half is {percent:+.3g}% off the first: warm up longer, or the machine changes speed"


def verdict(found: list[tuple[float, float]], lower_is_better: bool, negligible: float) -> dict[str, Any]:
    """Is b better than a? From paired scores; ratios where all are positive, else differences.

    `negligible` is in percent of a.
    """
    ratios = all(a > 0 and b > 0 for a, b in found)
    steps = [math.log(b / a) if ratios else b - a for a, b in found]
    interval = robust.mean_interval(steps)
    if interval is None:
        says, change = f"too few rounds: {len(found)}; take at least {robust.FEW}, better 6", robust.mean(steps)
        return {"verdict": "too few rounds", "says": says, **_change(change, change, change, ratios)}
    shown = _change(*interval, ratios)
    limit = math.log1p(negligible / 100) if ratios else negligible / 100 * abs(robust.mean([a for a, _ in found]))
    if interval.low <= 0 <= interval.high:
        word, says = "noise", "the interval holds no change: what difference there is, is noise at this many rounds"
    elif abs(interval.estimate) <= limit:
        word, says = "negligible", f"there is a difference, and it is below {negligible}%"
    else:
        word = "b is better" if (interval.estimate < 0) == lower_is_better else "a is better"
        says = "the whole interval lies on one side"
    return {"verdict": word, "says": says, "p_sign_flip": sign_flip(steps), **shown}


def _change(estimate: float, low: float, high: float, ratios: bool) -> dict[str, Any]:
    values = [math.exp(min(v, 700)) if ratios else v for v in (estimate, low, high)]
    name = "ratio_b_to_a" if ratios else "difference_b_minus_a"
    return {name: rounded(values[0]), "interval_95": [rounded(values[1]), rounded(values[2])]}


def sign_flip(steps: list[float]) -> float | None:
    """How often random signs would give a mean as far from 0 as this one (exact; None above 14 rounds)."""
    if not 1 <= len(steps) <= 14:
        return None
    sums = [0.0]
    for step in steps:
        sums = [total + sign * step for total in sums for sign in (1, -1)]
    seen = abs(math.fsum(steps)) * (1 - 1e-9)
    return round(sum(abs(total) >= seen for total in sums) / len(sums), 5)
