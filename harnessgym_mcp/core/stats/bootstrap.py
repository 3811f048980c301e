"""The hierarchical bootstrap: what the effect might be on other tasks like these."""

import math
import random
from collections.abc import Sequence

from harnessgym_mcp.core.stats.distributions import normal_cdf, t_quantile
from harnessgym_mcp.core.stats.effects import Interval, mean

__all__ = ["hierarchical"]

_FEWEST = 4


def hierarchical(groups: Sequence[Sequence[float]], *, level: float, draws: int, seed: int) -> Interval:
    """Mean of the groups' means; groups are drawn with replacement, then values within each group drawn.

    The percentiles are expanded for the small number of groups (Hesterberg 2015, "What Teachers Should Know About
    the Bootstrap", section 4.2). No bounds for fewer than four groups, where they would cover too little; groups of
    one value each are better served by a t interval.
    """
    value = mean([mean(g) for g in groups])
    if len(groups) < _FEWEST:
        return Interval(value=value, low=None, high=None)
    rng = random.Random(seed)
    means = sorted(_drawn_mean(groups, rng) for _ in range(draws))
    tail = _expanded_tail(len(groups), level)
    return Interval(value=value, low=_at(means, tail), high=_at(means, 1 - tail))


def _drawn_mean(groups: Sequence[Sequence[float]], rng: random.Random) -> float:
    drawn = rng.choices(groups, k=len(groups))
    return sum(sum(rng.choices(g, k=len(g))) / len(g) for g in drawn) / len(drawn)


def _expanded_tail(n: int, level: float) -> float:
    return normal_cdf(-math.sqrt(n / (n - 1)) * t_quantile((1 + level) / 2, n - 1))


def _at(ordered: list[float], share: float) -> float:
    """The quantile of ascending values, interpolated."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
