"""Estimates agree with scipy; stated intervals cover what they say, by exact enumeration or by simulation."""

import math
import random
from functools import partial
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from harnessgym_mcp.core.stats import bootstrap, counts, effects
from harnessgym_mcp.core.stats.counts import pass_all_k, pass_at_k
from harnessgym_mcp.core.stats.economy import break_even, median_time, reached_by
from harnessgym_mcp.core.stats.effects import Interval, geometric_mean, median, spread

welch_t = partial(effects.welch_t, level=0.95)
stratified_t = partial(effects.stratified_t, level=0.95)
clopper_pearson = partial(counts.clopper_pearson, level=0.95)
paired_rate_difference = partial(counts.paired_rate_difference, level=0.95)
rate_difference = partial(counts.rate_difference, level=0.95)
hierarchical = partial(bootstrap.hierarchical, level=0.95, draws=400)

reals = st.floats(-1e6, 1e6)
samples = st.lists(reals, min_size=2, max_size=30).filter(lambda xs: spread(xs) > 1e-6)


def mean_t(values: list[float], level: float = 0.95) -> Interval:
    """One stratum: the ordinary t interval of a mean."""
    return stratified_t([values], level=level)


def covers(interval: Interval, truth: float) -> bool:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low <= truth <= interval.high


@given(samples, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_t_interval_agrees(values: list[float], level: float) -> None:
    ours = mean_t(values, level=level)
    low, high = oracle.ttest_1samp(values, 0).confidence_interval(level)
    scale = max(map(abs, values))
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-7, abs=1e-9 * scale)


@given(samples, samples)
def test_the_welch_interval_agrees(a: list[float], b: list[float]) -> None:
    ours = welch_t(a, b)
    low, high = oracle.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    scale = max(map(abs, a + b))
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-6, abs=1e-8 * scale)


def test_one_value_has_no_interval() -> None:
    assert (
        mean_t([3.0]) == welch_t([0.0], [3.0, 3.0]) == stratified_t([[3.0]]) == Interval(value=3, low=None, high=None)
    )


def test_equal_values_have_an_interval_without_width() -> None:
    assert mean_t([2.0, 2.0, 2.0]) == Interval(value=2, low=2, high=2)


def test_single_values_are_a_sample_of_strata() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert stratified_t([[v] for v in values]) == mean_t(values)


def test_strata_count_alike_however_many_values_they_hold() -> None:
    assert stratified_t([[1.0] * 10, [3.0, 3.0]]).value == 2.0


@given(st.lists(reals, min_size=1))
def test_the_median_agrees(values: list[float]) -> None:
    assert median(values) == pytest.approx(oracle.quantile(values, 0.5), rel=1e-12, abs=1e-9)


def test_a_geometric_mean_needs_positive_values() -> None:
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert geometric_mean([0.0, 4.0]) is geometric_mean([-1.0]) is geometric_mean([]) is None


@settings(max_examples=40)
@given(st.integers(1, 200), st.data(), st.sampled_from([0.9, 0.95, 0.99]))
def test_clopper_pearson_agrees(n: int, data: st.DataObject, level: float) -> None:
    k = data.draw(st.integers(0, n))
    ours = clopper_pearson(k, n, level=level)
    theirs = oracle.binomtest(k, n).proportion_ci(level)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.5, 0.77])
@pytest.mark.parametrize("n", [4, 12, 40])
def test_clopper_pearson_covers_at_least_its_level_for_every_rate(n: int, rate: float) -> None:
    hit = sum(oracle.binom.pmf(k, n, rate) for k in range(n + 1) if covers(clopper_pearson(k, n), rate))
    assert hit >= 0.95


@pytest.mark.parametrize(("up", "down"), [(0.3, 0.1), (0.25, 0.25), (0.5, 0.05), (0.1, 0.1), (0.7, 0.0)])
@pytest.mark.parametrize("n", [6, 12, 30])
def test_the_interval_of_a_paired_rate_difference_covers_about_its_level(n: int, up: float, down: float) -> None:
    hit = 0.0
    for wins in range(n + 1):
        for losses in range(n - wins + 1):
            if covers(paired_rate_difference(wins, losses, n), up - down):
                hit += oracle.multinomial.pmf([wins, losses, n - wins - losses], n, [up, down, 1 - up - down])
    assert hit >= 0.92


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.5), (0.5, 0.5), (0.05, 0.1), (0.9, 0.4)])
@pytest.mark.parametrize("n", [6, 15, 30])
def test_the_interval_of_a_rate_difference_covers_about_its_level(n: int, a: float, b: float) -> None:
    hit = sum(
        oracle.binom.pmf(i, n, a) * oracle.binom.pmf(j, n, b)
        for i in range(n + 1)
        for j in range(n + 1)
        if covers(rate_difference(i, n, j, n), b - a)
    )
    assert hit >= 0.93


@pytest.mark.parametrize("n", [3, 6, 10])
def test_t_intervals_of_log_ratios_cover_95_percent_even_of_few_skewed_scores(n: int) -> None:
    rng = random.Random(n)
    truth = math.log(1.3)
    hit = 0
    for _ in range(2000):
        ratios = [rng.lognormvariate(truth, 0.5) / rng.lognormvariate(0.0, 0.5) for _ in range(n)]
        hit += covers(mean_t([math.log(r) for r in ratios]), truth)
    assert abs(hit / 2000 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 2000)


def test_stratified_intervals_cover_95_percent_for_these_tasks() -> None:
    rng = random.Random(11)
    effects, sds = [0.0, 0.3, 0.6], [0.2, 0.5, 1.0]
    hit = sum(
        covers(stratified_t([[rng.gauss(e, s) for _ in range(5)] for e, s in zip(effects, sds, strict=True)]), 0.3)
        for _ in range(2000)
    )
    assert abs(hit / 2000 - 0.95) < 0.02


@pytest.mark.parametrize("tasks", [4, 8])
def test_the_hierarchical_interval_covers_the_mean_over_tasks_like_these(tasks: int) -> None:
    rng = random.Random(tasks)
    hit = 0
    for i in range(150):
        means = [rng.gauss(0.2, 0.3) for _ in range(tasks)]
        groups = [[rng.gauss(m, 0.3) for _ in range(4)] for m in means]
        hit += covers(hierarchical(groups, seed=i), 0.2)
    assert hit / 150 >= 0.90


def test_the_hierarchical_bootstrap_is_seeded_and_knows_when_it_knows_nothing() -> None:
    groups = [[0.1, 0.2], [0.3, 0.1], [0.2, 0.6], [0.15, 0.4], [0.05, 0.7], [0.33, 0.37]]
    assert hierarchical(groups, seed=1) == hierarchical(groups, seed=1)
    assert hierarchical(groups, seed=1) != hierarchical(groups, seed=2)
    assert hierarchical(groups[:3], seed=1).low is None


@given(st.integers(1, 9), st.data())
def test_pass_at_k_and_pass_all_k_are_unbiased(n: int, data: st.DataObject) -> None:
    successes, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    attempts = [True] * successes + [False] * (n - successes)
    drawn = list(combinations(attempts, k))
    assert pass_at_k(successes, n, k) == pytest.approx(sum(map(any, drawn)) / len(drawn))
    assert pass_all_k(successes, n, k) == pytest.approx(sum(map(all, drawn)) / len(drawn))


def test_a_harness_breaks_even_when_its_savings_have_paid_for_it() -> None:
    assert break_even(10.0, 3.0, 1.0) == 5
    assert break_even(10.1, 3.0, 1.0) == 6
    assert break_even(0.0, 3.0, 1.0) == 0
    assert break_even(10.0, 1.0, 1.0) is break_even(10.0, 1.0, 2.0) is None


def test_the_curve_rises_at_each_time_by_the_share_that_got_there() -> None:
    assert reached_by([5.0, None, 2.0, 5.0]) == [(2.0, 0.25), (5.0, 0.75)]
    assert reached_by([None, None]) == []


def test_the_median_time_exists_only_where_half_got_there() -> None:
    assert median_time([5.0, None, 2.0, None]) == 5.0
    assert median_time([5.0, None, None]) is median_time([]) is None
