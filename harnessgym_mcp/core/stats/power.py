"""How many trials a comparison needs, and the fewest with which a verdict is possible at all."""

import math
from collections.abc import Callable
from functools import lru_cache

from harnessgym_mcp.core.stats.distributions import binomial_pmf, normal_quantile, two_sided_t_power
from harnessgym_mcp.core.stats.special import beta_cdf

__all__ = [
    "fewest_pairs",
    "fewest_per_group",
    "group_power",
    "groups_needed",
    "pair_power",
    "pairs_needed",
    "rate_pair_power",
    "rate_pairs_needed",
    "rates_needed",
]

_MOST_RATES = 5000
_MOST = 1_000_000  # an answer above this is "no number of trials that anyone can run"


def fewest_pairs(alpha: float) -> int:
    """The fewest pairs whose smallest possible sign-flip p, 2 / 2^n, is at most alpha."""
    return _first(lambda n: 2 * 0.5**n <= alpha, 1)


def fewest_per_group(alpha: float) -> int:
    """The smallest group size whose smallest possible permutation p, 2 / C(2n, n), is at most alpha."""
    return _first(lambda n: alpha * math.comb(2 * n, n) >= 2, 1)


def pair_power(n: int, effect: float, sd: float, alpha: float) -> float:
    """Power of the two-sided paired t test with n >= 2 pairs whose differences have mean `effect` and spread `sd`.

    The sign-flip test's power is nearly the same (the tests compare both with simulation).
    """
    return two_sided_t_power(_shift(effect, sd, n), n - 1, alpha)


def group_power(n: int, effect: float, sd: float, alpha: float) -> float:
    """Power of the two-sided t test of two groups of n >= 2 values each with common spread `sd`."""
    return two_sided_t_power(_shift(effect, sd, n / 2), 2 * n - 2, alpha)


def pairs_needed(effect: float, sd: float, *, alpha: float, power: float) -> int | None:
    """The fewest pairs that find a mean difference of `effect` with probability `power`; None above a million."""
    guess = _by_normal(effect, sd, alpha, power)
    return _upwards(lambda n: pair_power(n, effect, sd, alpha) >= power, guess, max(2, fewest_pairs(alpha)))


def groups_needed(effect: float, sd: float, *, alpha: float, power: float) -> int | None:
    """The smallest group size that finds a difference of `effect` with probability `power`; None above a million."""
    guess = 2 * _by_normal(effect, sd, alpha, power)
    return _upwards(lambda n: group_power(n, effect, sd, alpha) >= power, guess, max(2, fewest_per_group(alpha)))


def rate_pair_power(n: int, effect: float, discord: float, alpha: float) -> float:
    """Power of the exact McNemar test: `discord` is the share of pairs that differ, `effect` wins less losses.

    Exact: over every number of discordant pairs, and for each over the counts that the test rejects.
    """
    to_win = (discord + abs(effect)) / 2 / discord
    return math.fsum(binomial_pmf(d, n, discord) * _coin_power(d, to_win, alpha) for d in _likely(n, discord))


def rate_pairs_needed(effect: float, discord: float, *, alpha: float, power: float) -> int | None:
    """The fewest pairs for a difference of rates of `effect` where a share `discord` >= |effect| of pairs differ.

    None above five thousand.
    """
    high = fewest_pairs(alpha)
    while rate_pair_power(high, effect, discord, alpha) < power:
        if high == _MOST_RATES:
            return None
        high = min(2 * high, _MOST_RATES)
    return _between(lambda n: rate_pair_power(n, effect, discord, alpha) >= power, high // 2, high)


def rates_needed(rate_a: float, rate_b: float, *, alpha: float, power: float) -> int | None:
    """Group size for Fisher's test of two rates: the normal formula with the continuity correction of Fleiss (1981)."""
    gap = abs(rate_b - rate_a)
    if not gap:
        return None
    middle = (rate_a + rate_b) / 2
    at_null = normal_quantile(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    at_gap = normal_quantile(power) * math.sqrt(rate_a * (1 - rate_a) + rate_b * (1 - rate_b))
    plain = ((at_null + at_gap) / gap) ** 2
    n = math.ceil(plain / 4 * (1 + math.sqrt(1 + 4 / (plain * gap))) ** 2)
    return max(n, fewest_per_group(alpha)) if n <= _MOST else None


def _shift(effect: float, sd: float, n: float) -> float:
    """The noncentrality, bounded where power is 1 anyway."""
    return min(abs(effect) * math.sqrt(n) / sd, 1e6) if sd else 1e6


def _coin_power(n: int, p: float, alpha: float) -> float:
    """Probability that n tosses of a coin with heads at `p` refute a fair coin."""
    edge = _rejected_up_to(n, alpha)
    if edge < 0:
        return 0.0
    few_tails = beta_cdf(p, n - edge, edge + 1)  # P(at least n - edge heads)
    return few_tails + beta_cdf(1 - p, n - edge, edge + 1)


@lru_cache(maxsize=8192)
def _rejected_up_to(n: int, alpha: float) -> int:
    """The largest minority count that the two-sided exact test of n fair tosses rejects; -1 for none."""
    low, high = -1, (n - 1) // 2
    while low < high:
        middle = (low + high + 1) // 2
        if 2 * beta_cdf(0.5, n - middle, middle + 1) <= alpha * (1 + 1e-12):
            low = middle
        else:
            high = middle - 1
    return low


def _likely(n: int, p: float) -> range:
    """The counts of n trials that matter: within nine standard deviations."""
    reach = 9 * math.sqrt(n * p * (1 - p)) + 9
    return range(max(0, int(n * p - reach)), min(n, math.ceil(n * p + reach)) + 1)


def _by_normal(effect: float, sd: float, alpha: float, power: float) -> float:
    """The number of pairs if the spread were known: always a little too few."""
    if not effect:
        return math.inf
    root = (normal_quantile(1 - alpha / 2) + normal_quantile(power)) * sd / effect
    return root * root  # a power of a float would raise where this is merely infinite


def _upwards(enough: Callable[[int], bool], guess: float, least: int) -> int | None:
    """The first number that is enough, looked for from a guess that is too small."""
    return _first(enough, max(least, int(guess))) if guess <= _MOST else None


def _between(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from `low` on that holds, where `high` holds."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _first(holds: Callable[[int], bool], start: int) -> int:
    while not holds(start):
        start += 1
    return start
