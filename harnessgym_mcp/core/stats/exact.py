"""Exact randomisation tests of scores: sign flips for pairs, permutations for two groups.

All rearrangements are counted, but not one by one: each half's sums are listed, one half is sorted, and the other
half looks its partners up in it. That makes 2^32 sign patterns a matter of 2 * 2^16 sums.
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

__all__ = ["PValue", "permutation", "sign_flip"]

_ROUNDING = 1e-12  # sums that differ by less than this share of all magnitudes are the same sum


class PValue(msgspec.Struct, frozen=True, kw_only=True):
    """A two-sided p-value and how it was got; `exact` is False where rearrangements were drawn at random."""

    p: float
    method: str
    exact: bool


def sign_flip(differences: Sequence[float], *, most: int, draws: int, seed: int) -> PValue:
    """Is the mean of paired differences further from 0 than chance would put it?

    Under the null hypothesis each difference is as likely to have come out with the other sign. Exact up to `most`
    differences that are not zero (zeros leave p unchanged), else `draws` seeded random flips.
    """
    moved = [d for d in differences if d]
    edge = abs(math.fsum(moved)) - _ROUNDING * math.fsum(map(abs, moved))
    if len(moved) > most:
        return _drawn_flips(moved, edge, draws, seed)
    return PValue(p=_count_flips(moved, edge) / 2 ** len(moved), method="exact paired sign-flip test", exact=True)


def permutation(a: Sequence[float], b: Sequence[float], *, most: int, draws: int, seed: int) -> PValue:
    """Do two groups' means differ by more than chance dealing would make them? Neither group may be empty.

    Exact up to `most` values together, else `draws` seeded random deals.
    """
    centre = math.fsum((*a, *b)) / (len(a) + len(b))
    pool = [x - centre for x in (*a, *b)]
    edge = abs(math.fsum(pool[: len(a)])) - _ROUNDING * math.fsum(map(abs, pool))
    if len(pool) > most:
        return _drawn_deals(pool, len(a), edge, draws, seed)
    count = _count_deals(pool, len(a), edge)
    return PValue(p=count / math.comb(len(pool), len(a)), method="exact permutation test", exact=True)


def _count_flips(values: list[float], edge: float) -> int:
    if edge <= 0:
        return int(2 ** len(values))
    half = len(values) // 2
    partners = sorted(_flipped(values[:half]))
    above = sum(len(partners) - bisect_left(partners, edge - s) for s in _flipped(values[half:]))
    return 2 * above  # every pattern has its mirror image below


def _flipped(values: list[float]) -> list[float]:
    """The sums of all sign patterns."""
    sums = [0.0]
    for v in values:
        sums = [s + v for s in sums] + [s - v for s in sums]
    return sums


def _count_deals(pool: list[float], size: int, edge: float) -> int:
    if edge <= 0:
        return math.comb(len(pool), size)
    half = len(pool) // 2
    left, right = _chosen(pool[:half]), _chosen(pool[half:])
    count = 0
    for k, sums in enumerate(left):
        partners = sorted(right[size - k]) if 0 <= size - k < len(right) else []
        count += sum(len(partners) - bisect_left(partners, edge - s) + bisect_right(partners, -edge - s) for s in sums)
    return count


def _chosen(values: list[float]) -> list[list[float]]:
    """The sums of all subsets, by the subset's size."""
    by_size: list[list[float]] = [[0.0]] + [[] for _ in values]
    for v in values:
        for size in range(len(values), 0, -1):
            by_size[size] += [s + v for s in by_size[size - 1]]
    return by_size


def _drawn_flips(values: list[float], edge: float, draws: int, seed: int) -> PValue:
    rng = random.Random(seed)
    hits = 0
    for _ in range(draws):
        signs = rng.getrandbits(len(values))
        hits += abs(sum(v if signs >> i & 1 else -v for i, v in enumerate(values))) >= edge
    return _drawn(hits, draws, seed, "paired sign-flip test")


def _drawn_deals(pool: list[float], size: int, edge: float, draws: int, seed: int) -> PValue:
    rng = random.Random(seed)
    hits = sum(abs(sum(rng.sample(pool, size))) >= edge for _ in range(draws))
    return _drawn(hits, draws, seed, "permutation test")


def _drawn(hits: int, draws: int, seed: int, name: str) -> PValue:
    # The observed arrangement is one of those that count: p is never 0.
    return PValue(p=(hits + 1) / (draws + 1), method=f"{name}, {draws} random draws, seed {seed}", exact=False)
