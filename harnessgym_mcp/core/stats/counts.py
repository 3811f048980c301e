"""Successes and failures: exact tests, exact and adjusted intervals, pass@k and pass^k."""

import math

from harnessgym_mcp.core.stats.distributions import normal_quantile
from harnessgym_mcp.core.stats.effects import Interval
from harnessgym_mcp.core.stats.exact import PValue
from harnessgym_mcp.core.stats.special import beta_quantile

__all__ = [
    "clopper_pearson",
    "fisher",
    "mcnemar",
    "paired_rate_difference",
    "pass_all_k",
    "pass_at_k",
    "rate_difference",
]


def mcnemar(wins: int, losses: int) -> PValue:
    """Exact McNemar test: pairs in which only one side succeeded fall either way like a coin."""
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return PValue(p=min(1.0, 2 * tail / 2**n), method="exact McNemar test", exact=True)


def fisher(successes_a: int, n_a: int, successes_b: int, n_b: int) -> PValue:
    """Two-sided Fisher exact test: all tables with the same margins that are no likelier than the observed one."""
    total = successes_a + successes_b
    tables = {k: math.comb(n_a, k) * math.comb(n_b, total - k) for k in range(max(0, total - n_b), min(n_a, total) + 1)}
    as_rare = sum(ways for ways in tables.values() if ways <= tables[successes_a])
    return PValue(p=as_rare / math.comb(n_a + n_b, total), method="Fisher's exact test", exact=True)


def clopper_pearson(successes: int, n: int, level: float) -> Interval:
    """Exact interval of a rate, n >= 1: it covers the true rate in at least `level` of all samples."""
    tail = (1 - level) / 2
    low = beta_quantile(tail, successes, n - successes + 1) if successes else 0.0
    high = beta_quantile(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return Interval(value=successes / n, low=low, high=high)


def paired_rate_difference(wins: int, losses: int, n: int, level: float) -> Interval:
    """Difference of two paired rates: Bonett and Price (2012), Wald after adding one pair to each kind of discord."""
    z = normal_quantile((1 + level) / 2)
    up, down = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    reach = z * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    return _clipped((wins - losses) / n, up - down, reach)


def rate_difference(successes_a: int, n_a: int, successes_b: int, n_b: int, level: float) -> Interval:
    """Rate of b less rate of a: Agresti and Caffo (2000), Wald after adding a success and a failure to each."""
    z = normal_quantile((1 + level) / 2)
    a, b = (successes_a + 1) / (n_a + 2), (successes_b + 1) / (n_b + 2)
    reach = z * math.sqrt(a * (1 - a) / (n_a + 2) + b * (1 - b) / (n_b + 2))
    return _clipped(successes_b / n_b - successes_a / n_a, b - a, reach)


def pass_at_k(successes: int, n: int, k: int) -> float:
    """Unbiased estimate of P(at least one of k attempts succeeds) from n >= k attempts."""
    return 1 - math.comb(n - successes, k) / math.comb(n, k)


def pass_all_k(successes: int, n: int, k: int) -> float:
    """Unbiased estimate of pass^k, P(all of k attempts succeed), from n >= k attempts."""
    return math.comb(successes, k) / math.comb(n, k)


def _clipped(value: float, centre: float, reach: float) -> Interval:
    return Interval(value=value, low=max(-1.0, centre - reach), high=min(1.0, centre + reach))
