"""Sizes of effects with Student t intervals: one group, two groups, and groups in strata."""

import math
from collections.abc import Sequence

import msgspec

from harnessgym_mcp.core.stats.distributions import t_quantile

__all__ = ["Interval", "geometric_mean", "mean", "median", "spread", "stratified_t", "welch_t"]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and its bounds; bounds are None where the data give none (a single value has no spread)."""

    value: float
    low: float | None
    high: float | None


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def geometric_mean(values: Sequence[float]) -> float | None:
    """None where a value is not positive."""
    return math.exp(mean([math.log(v) for v in values])) if values and min(values) > 0 else None


def spread(values: Sequence[float]) -> float:
    """The sample standard deviation (n - 1) of at least two values."""
    centre = mean(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1))


def stratified_t(strata: Sequence[Sequence[float]], level: float) -> Interval:
    """The mean of the strata's means, each stratum counting alike, with a t interval for these very strata.

    Degrees of freedom by Welch and Satterthwaite. Where a stratum has a single value, nothing is known of the spread
    inside it and the strata's means are taken as the sample. No stratum may be empty.
    """
    means = [mean(s) for s in strata]
    value = mean(means)
    if min(len(s) for s in strata) < 2:
        return _with_error(value, spread(means) ** 2 / len(means), len(means) - 1, level) if means[1:] else _open(value)
    parts = [(spread(s) ** 2 / len(s) / len(strata) ** 2, len(s) - 1) for s in strata]
    return _with_error(value, *_satterthwaite(parts), level)


def welch_t(a: Sequence[float], b: Sequence[float], level: float) -> Interval:
    """Mean of b less mean of a, groups of unequal spread; no bounds where a group has fewer than two values."""
    value = mean(b) - mean(a)
    if min(len(a), len(b)) < 2:
        return _open(value)
    return _with_error(value, *_satterthwaite([(spread(s) ** 2 / len(s), len(s) - 1) for s in (a, b)]), level)


def _satterthwaite(parts: list[tuple[float, int]]) -> tuple[float, float]:
    """The variance that independent parts add up to, and its degrees of freedom."""
    variance = math.fsum(v for v, _ in parts)
    below = math.fsum((v / variance) ** 2 / df for v, df in parts) if variance else 0.0
    return variance, 1 / below if below else float(sum(df for _, df in parts))


def _with_error(value: float, variance: float, df: float, level: float) -> Interval:
    reach = t_quantile((1 + level) / 2, df) * math.sqrt(variance)
    return Interval(value=value, low=value - reach, high=value + reach)


def _open(value: float) -> Interval:
    return Interval(value=value, low=None, high=None)
