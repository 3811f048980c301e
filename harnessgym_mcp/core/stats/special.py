"""The two numerical tools that all distributions stand on: the incomplete beta function and a root finder.

Sources: the continued fraction DLMF 8.17.22, evaluated by the modified Lentz method.
"""

import math
from collections.abc import Callable

__all__ = ["beta_cdf", "beta_quantile", "crossing"]

_TINY = 1e-300
_STEPS = 100_000


def crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero between `low` and `high`, by bisection to the last bits."""
    for _ in range(300):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b): P(X <= x) of a Beta(a, b), for a, b > 0."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta)
    # The fraction converges fast only on this side of the mean; the other side is its mirror image.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with `beta_cdf(x, a, b) == p`."""
    if p > 0.5:  # small numbers are found more exactly than numbers just below one
        return 1 - crossing(lambda y: beta_cdf(y, b, a) - (1 - p), 0.0, 1.0)
    return crossing(lambda x: beta_cdf(x, a, b) - p, 0.0, 1.0)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value


def _apart(value: float) -> float:
    """Lentz's guard: never exactly zero."""
    return value if abs(value) > _TINY else _TINY
