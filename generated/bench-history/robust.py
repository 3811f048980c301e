"""Statistics for a handful of noisy measurements. The same file in each starter artifact that needs it.

Student's t is used throughout, since its intervals hold at small n; resampling a few values does not.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

SIGMA = 1.4826  # of a normal distribution, for a median absolute deviation of 1
FEW = 3  # with fewer values nothing is said about noise


class Interval(NamedTuple):
    """An estimate with its confidence interval."""

    estimate: float
    low: float
    high: float


def median(values: Sequence[float]) -> float:
    """Of at least one value."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mad(values: Sequence[float]) -> float:
    """The median absolute deviation from the median: a spread that a single outlier leaves alone."""
    centre = median(values)
    return median([abs(v - centre) for v in values])


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation; 0 for a single value."""
    centre = mean(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else 0.0


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Of the mean; None for fewer than FEW values."""
    if len(values) < FEW:
        return None
    centre = mean(values)
    reach = t_quantile(0.5 + level / 2, len(values) - 1) * deviation(values) / math.sqrt(len(values))
    return Interval(centre, centre - reach, centre + reach)


def difference_interval(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Interval | None:
    """Of mean(b) - mean(a), without assuming equal spreads (Welch); None where either has fewer than FEW values."""
    if min(len(a), len(b)) < FEW:
        return None
    shares = [deviation(v) ** 2 / len(v) for v in (a, b)]
    centre, variance = mean(b) - mean(a), sum(shares)
    if variance == 0:
        return Interval(centre, centre, centre)
    freedom = variance**2 / sum(s**2 / (len(v) - 1) for s, v in zip(shares, (a, b), strict=True))
    reach = t_quantile(0.5 + level / 2, freedom) * math.sqrt(variance)
    return Interval(centre, centre - reach, centre + reach)


def as_ratio(interval: Interval) -> Interval:
    """From logarithms back to a ratio."""
    return Interval(*map(math.exp, interval))


# ---- Student's t


def t_quantile(p: float, freedom: float) -> float:
    """The value below which a share `p` (0.5 or more, less than 1) of the distribution lies; good to five digits."""
    freedom = min(freedom, 1000.0)  # from here on it is all but normal
    low, high = 0.0, math.pi / 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_share(middle, freedom) < p else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _t_share(angle: float, freedom: float) -> float:
    """The share below t = sqrt(freedom) * tan(angle): its density is a power of the cosine (Simpson's rule)."""
    steps = 128
    heights = [math.pow(math.cos(angle * n / steps), freedom - 1) for n in range(steps + 1)]
    area = (heights[0] + 4 * sum(heights[1::2]) + 2 * sum(heights[2:-1:2]) + heights[-1]) * angle / steps / 3
    return 0.5 + area * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
