"""Power agrees with simulation of the very tests that decide, and with scipy's noncentral t."""

import math
import random
from functools import partial

import pytest
from scipy import stats as oracle

from harnessgym_mcp.core.stats import exact
from harnessgym_mcp.core.stats import power as ours
from harnessgym_mcp.core.stats.counts import fisher, mcnemar
from harnessgym_mcp.core.stats.power import fewest_pairs, fewest_per_group

sign_flip = partial(exact.sign_flip, most=32, draws=20_000, seed=0)
permutation = partial(exact.permutation, most=32, draws=20_000, seed=0)
pair_power = partial(ours.pair_power, alpha=0.05)
group_power = partial(ours.group_power, alpha=0.05)
rate_pair_power = partial(ours.rate_pair_power, alpha=0.05)
pairs_needed = partial(ours.pairs_needed, alpha=0.05, power=0.8)
groups_needed = partial(ours.groups_needed, alpha=0.05, power=0.8)
rate_pairs_needed = partial(ours.rate_pairs_needed, alpha=0.05, power=0.8)
rates_needed = partial(ours.rates_needed, alpha=0.05, power=0.8)


def noise(p: float, runs: int) -> float:
    return 3.5 * math.sqrt(p * (1 - p) / runs)


@pytest.mark.parametrize(("n", "effect"), [(8, 0.8), (12, 0.8), (20, 0.5)])
def test_the_sign_flip_test_has_the_power_that_is_promised(n: int, effect: float) -> None:
    rng = random.Random(n)
    found = sum(sign_flip([rng.gauss(effect, 1) for _ in range(n)]).p <= 0.05 for _ in range(600)) / 600
    # At small n the exact test cannot spend all of alpha: up to 5 points less than t.
    assert (
        pair_power(n, effect, 1.0) - 0.05 - noise(found, 600) <= found <= pair_power(n, effect, 1.0) + noise(found, 600)
    )


def test_the_permutation_test_has_the_power_that_is_promised() -> None:
    rng = random.Random(2)
    found = 0
    for _ in range(500):
        a, b = [rng.gauss(0, 1) for _ in range(10)], [rng.gauss(1.2, 1) for _ in range(10)]
        found += permutation(a, b).p <= 0.05
    assert found / 500 == pytest.approx(group_power(10, 1.2, 1.0), abs=0.02 + noise(0.7, 500))


@pytest.mark.parametrize(
    ("effect", "sd", "expected"), [(0.5, 1.0, 34), (1.0, 1.0, 10), (0.2, 1.0, 199), (0.8, 1.0, 15)]
)
def test_the_pairs_needed_are_those_of_the_tables(effect: float, sd: float, expected: int) -> None:
    assert pairs_needed(effect, sd) == expected


@pytest.mark.parametrize(("effect", "expected"), [(0.5, 64), (0.8, 26), (0.2, 394)])
def test_the_groups_needed_are_those_of_the_tables(effect: float, expected: int) -> None:
    assert groups_needed(effect, 1.0) == expected


def test_the_pairs_needed_are_the_fewest_that_reach_the_power() -> None:
    n = pairs_needed(0.05, 0.11, alpha=0.01, power=0.9)
    assert n is not None
    edges = [oracle.t.ppf(1 - 0.005, m - 1) for m in (n - 1, n)]
    powers = [oracle.nct.sf(e, m - 1, 0.05 / 0.11 * math.sqrt(m)) for e, m in zip(edges, (n - 1, n), strict=True)]
    assert powers[0] < 0.9 <= powers[1]


def test_without_spread_the_fewest_pairs_do() -> None:
    assert pairs_needed(0.05, 0.0) == 6
    assert groups_needed(0.05, 0.0) == 4


def test_an_effect_that_no_number_of_trials_can_find_needs_none() -> None:
    assert pairs_needed(1e-9, 1.0) is rate_pairs_needed(1e-4, 0.5) is rates_needed(0.5, 0.5) is None


@pytest.mark.parametrize(("alpha", "pairs", "group"), [(0.05, 6, 4), (0.01, 8, 5), (0.1, 5, 3)])
def test_the_fewest_trials_are_those_whose_smallest_p_can_reach_alpha(alpha: float, pairs: int, group: int) -> None:
    assert (fewest_pairs(alpha), fewest_per_group(alpha)) == (pairs, group)
    assert sign_flip([1.0] * pairs).p <= alpha < sign_flip([1.0] * (pairs - 1)).p


@pytest.mark.parametrize(("n", "up", "down"), [(20, 0.5, 0.1), (40, 0.35, 0.1), (9, 0.8, 0.05)])
def test_mcnemars_power_agrees_with_simulation(n: int, up: float, down: float) -> None:
    rng = random.Random(n)
    found = 0
    for _ in range(1500):
        falls = rng.choices((1, -1, 0), (up, down, 1 - up - down), k=n)
        found += mcnemar(falls.count(1), falls.count(-1)).p <= 0.05
    assert found / 1500 == pytest.approx(rate_pair_power(n, up - down, up + down), abs=noise(0.5, 1500))


def test_the_pairs_needed_for_rates_reach_the_power() -> None:
    n = rate_pairs_needed(0.25, 0.45)
    assert n is not None
    assert rate_pair_power(n, 0.25, 0.45) >= 0.8
    assert rate_pair_power(n - 8, 0.25, 0.45) < 0.8


def test_fishers_needed_group_size_reaches_about_the_power() -> None:
    n = rates_needed(0.3, 0.6)
    assert n is not None
    power = sum(
        oracle.binom.pmf(i, n, 0.3) * oracle.binom.pmf(j, n, 0.6)
        for i in range(n + 1)
        for j in range(n + 1)
        if fisher(i, n, j, n).p <= 0.05
    )
    assert power == pytest.approx(0.8, abs=0.03)
