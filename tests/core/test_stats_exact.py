"""Exact tests agree with brute force and with scipy; what is drawn at random says so."""

import itertools
import math
import random
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from harnessgym_mcp.core.stats import exact as ours
from harnessgym_mcp.core.stats.adjust import holm
from harnessgym_mcp.core.stats.counts import fisher, mcnemar

sign_flip = partial(ours.sign_flip, most=32, draws=20_000, seed=0)
permutation = partial(ours.permutation, most=32, draws=20_000, seed=0)

# Coarse values make ties, which are where such counts go wrong.
values = st.integers(-8, 8).map(lambda i: i / 10)


@given(st.lists(values, max_size=11))
def test_sign_flips_are_counted_as_by_brute_force(differences: list[float]) -> None:
    observed = abs(sum(round(d * 10) for d in differences))
    signs = itertools.product((1, -1), repeat=len(differences))
    flipped = [abs(sum(s * round(d * 10) for s, d in zip(ss, differences, strict=True))) for ss in signs]
    expected = sum(f >= observed for f in flipped) / 2 ** len(differences)
    assert sign_flip(differences).p == pytest.approx(expected, abs=1e-15)


@settings(max_examples=60)
@given(st.lists(values, min_size=1, max_size=6), st.lists(values, min_size=1, max_size=6))
def test_deals_are_counted_as_by_brute_force(a: list[float], b: list[float]) -> None:
    tenths = [round(v * 10) for v in (*a, *b)]
    total, n = sum(tenths), len(tenths)
    observed = abs(n * sum(tenths[: len(a)]) - len(a) * total)
    deals = list(itertools.combinations(tenths, len(a)))
    expected = sum(abs(n * sum(d) - len(a) * total) >= observed for d in deals) / len(deals)
    assert permutation(a, b).p == pytest.approx(expected, abs=1e-15)


def test_sign_flips_agree_with_scipy() -> None:
    rng = random.Random(3)
    differences = [rng.gauss(0.4, 1) for _ in range(12)]
    theirs = oracle.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(differences).p == pytest.approx(theirs.pvalue, abs=1e-12)


def test_deals_agree_with_scipy() -> None:
    rng = random.Random(4)
    a, b = [rng.gauss(0, 1) for _ in range(6)], [rng.gauss(0.9, 1) for _ in range(7)]
    theirs = oracle.permutation_test(
        (a, b), lambda x, y: abs(np.mean(x) - np.mean(y)), n_resamples=np.inf, alternative="greater"
    )
    assert permutation(a, b).p == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize(("n", "smallest"), [(5, 0.0625), (6, 0.03125), (8, 0.0078125), (32, 2 / 2**32)])
def test_the_smallest_paired_p_is_two_in_all_sign_patterns(n: int, smallest: float) -> None:
    assert sign_flip([0.1] * n).p == pytest.approx(smallest)


@pytest.mark.parametrize(("n", "smallest"), [(3, 0.1), (4, 2 / 70)])
def test_the_smallest_unpaired_p_is_two_in_all_deals(n: int, smallest: float) -> None:
    assert permutation([1.0 + i for i in range(n)], [9.0 + i for i in range(n)]).p == pytest.approx(smallest)


@given(st.lists(values, max_size=8))
def test_zero_differences_leave_the_p_value_unchanged(differences: list[float]) -> None:
    assert sign_flip([*differences, 0.0, 0.0]).p == sign_flip(differences).p


def test_no_difference_at_all_is_no_evidence() -> None:
    assert sign_flip([]).p == sign_flip([0.0] * 50).p == permutation([1.0, 1.0], [1.0]).p == 1.0


def test_above_the_exact_limit_flips_are_drawn_seeded_and_labelled() -> None:
    rng = random.Random(5)
    differences = [rng.gauss(0.3, 1) for _ in range(20)]
    counted, drawn = sign_flip(differences), sign_flip(differences, most=19, draws=20_000, seed=7)
    assert counted.exact
    assert not drawn.exact
    assert "20000 random draws, seed 7" in drawn.method
    assert drawn == sign_flip(differences, most=19, draws=20_000, seed=7)
    assert drawn.p == pytest.approx(counted.p, abs=4 * math.sqrt(counted.p / 20_000))


def test_above_the_exact_limit_deals_are_drawn_seeded_and_labelled() -> None:
    rng = random.Random(6)
    a, b = [rng.gauss(0, 1) for _ in range(8)], [rng.gauss(0.8, 1) for _ in range(8)]
    counted, drawn = permutation(a, b), permutation(a, b, most=10, draws=20_000, seed=1)
    assert counted.exact
    assert not drawn.exact
    assert drawn.p == pytest.approx(counted.p, abs=4 * math.sqrt(counted.p / 20_000))


def test_a_drawn_p_value_is_never_zero() -> None:
    assert sign_flip([1.0] * 60, draws=100).p == pytest.approx(1 / 101)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_of_the_discordant_pairs(wins: int, losses: int) -> None:
    expected = oracle.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert mcnemar(wins, losses).p == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 20), st.integers(0, 20))
def test_mcnemar_is_the_sign_flip_test_of_pass_and_fail(wins: int, losses: int) -> None:
    differences = [1.0] * (wins % 12) + [-1.0] * (losses % 12)
    assert sign_flip(differences).p == pytest.approx(mcnemar(wins % 12, losses % 12).p)


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_fisher_agrees(n_a: int, n_b: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    theirs = oracle.fisher_exact([[a, n_a - a], [b, n_b - b]]).pvalue
    assert fisher(a, n_a, b, n_b).p == pytest.approx(theirs, rel=1e-7)


def test_holm_adjusts_as_in_the_textbook_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_a_p_value_and_never_leaves_the_unit_range(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, adjusted, strict=True))
    assert min(adjusted) == pytest.approx(min(1.0, min(ps) * len(ps)))
