"""Distributions: normal, Student's t (central and not), binomial.

Tails are computed as tails, so that small probabilities keep their digits.
"""

import math
from functools import lru_cache
from statistics import NormalDist

from harnessgym_mcp.core.stats.special import beta_cdf, crossing

__all__ = ["binomial_pmf", "normal_cdf", "normal_quantile", "t_quantile", "t_sf", "two_sided_t_power"]

_SIMPSON = 600  # intervals; even


def normal_cdf(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_quantile(p: float) -> float:
    return NormalDist().inv_cdf(p)


def t_sf(t: float, df: float) -> float:
    """P(T > t) of Student's t with `df` degrees of freedom."""
    if t < 0:
        return 1 - t_sf(-t, df)
    if t * t < df:  # near the middle the other side of the beta distribution keeps the digits
        return 0.5 - beta_cdf(t * t / (df + t * t), 0.5, df / 2) / 2
    return beta_cdf(df / (df + t * t), df / 2, 0.5) / 2


@lru_cache(maxsize=1024)  # asked for again and again with the same few degrees of freedom
def t_quantile(p: float, df: float) -> float:
    """The t with `1 - t_sf(t, df) == p`, for 0 < p < 1."""
    if p < 0.5:
        return -t_quantile(1 - p, df)
    high = 1.0
    while t_sf(high, df) > 1 - p:
        high *= 2
    return crossing(lambda t: (1 - p) - t_sf(t, df), 0.0, high)


def two_sided_t_power(shift: float, df: float, alpha: float) -> float:
    """P(|T'| > t(1 - alpha/2)) where T' is noncentral t with noncentrality `shift` (mean over standard error).

    Conditional on the estimated standard deviation s (in units of the true one), T' is normal; s has a scaled chi
    distribution, over which Simpson's rule integrates (in the root of s: with few degrees of freedom all rejections
    come from s near 0).
    """
    edge = t_quantile(1 - alpha / 2, df)
    reach = 12 / math.sqrt(2 * df)
    low = math.sqrt(max(0.0, 1 - reach))
    step = (math.sqrt(1 + reach) - low) / _SIMPSON
    total = 0.0
    for i in range(_SIMPSON + 1):
        root = low + i * step
        s = root * root
        weight = 1 if i in (0, _SIMPSON) else 4 if i % 2 else 2
        rejected = normal_cdf(shift - edge * s) + normal_cdf(-shift - edge * s)
        total += weight * 2 * root * _chi_density(s, df) * rejected
    return min(1.0, total * step / 3)


def binomial_pmf(k: int, n: int, p: float) -> float:
    """P(X = k) of n trials that each succeed with probability `p`."""
    if p <= 0 or p >= 1:
        return float(k == (n if p >= 1 else 0))
    log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))


def _chi_density(s: float, df: float) -> float:
    """Density of sqrt(chi-squared(df) / df)."""
    if s <= 0:
        return 0.0 if df > 1 else math.sqrt(2 / math.pi)
    half = df / 2
    return 2 * math.exp(half * math.log(half) - math.lgamma(half) + (df - 1) * math.log(s) - half * s * s)
