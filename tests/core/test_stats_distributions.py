"""Distributions agree with scipy over wide ranges, tails included."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from scipy import stats as oracle

from harnessgym_mcp.core.stats.distributions import (
    binomial_pmf,
    normal_cdf,
    normal_quantile,
    t_quantile,
    t_sf,
    two_sided_t_power,
)
from harnessgym_mcp.core.stats.special import beta_cdf, beta_quantile, crossing

shapes = st.floats(0.3, 3000)
shares = st.floats(1e-6, 1 - 1e-6)
freedom = st.floats(1, 1000)


@given(shares, shapes, shapes)
def test_the_incomplete_beta_function_agrees(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-8, abs=1e-13)


@given(shares, shapes, shapes)
def test_beta_quantiles_invert_the_beta_distribution(p: float, a: float, b: float) -> None:
    assert beta_quantile(p, a, b) == pytest.approx(oracle.beta.ppf(p, a, b), rel=1e-7, abs=1e-12)


def test_a_beta_distribution_has_no_mass_outside_its_range() -> None:
    assert (beta_cdf(-1.0, 2, 3), beta_cdf(0.0, 2, 3), beta_cdf(1.0, 2, 3), beta_cdf(2.0, 2, 3)) == (0, 0, 1, 1)


def test_the_incomplete_beta_function_converges_for_a_million_degrees_of_freedom() -> None:
    assert beta_cdf(0.5, 5e5, 5e5) == pytest.approx(0.5, abs=1e-9)


@given(st.floats(-35, 35))
def test_the_normal_distribution_keeps_its_tails(z: float) -> None:
    assert normal_cdf(z) == pytest.approx(oracle.norm.cdf(z), rel=1e-9)


@given(shares)
def test_normal_quantiles_agree(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(oracle.norm.ppf(p), rel=1e-9, abs=1e-12)


@given(st.floats(-200, 200), freedom)
def test_student_t_agrees_on_both_sides(t: float, df: float) -> None:
    assert t_sf(t, df) == pytest.approx(oracle.t.sf(t, df), rel=1e-8, abs=1e-15)
    assert t_sf(-t, df) == pytest.approx(oracle.t.cdf(t, df), rel=1e-8, abs=1e-15)


@given(shares, freedom)
def test_student_t_quantiles_agree(p: float, df: float) -> None:
    assert t_quantile(p, df) == pytest.approx(oracle.t.ppf(p, df), rel=1e-7, abs=1e-9)


@settings(max_examples=60)
@given(st.floats(0, 12), st.integers(1, 200), st.sampled_from([0.01, 0.05, 0.1]))
def test_the_power_of_t_agrees_with_the_noncentral_distribution(shift: float, df: int, alpha: float) -> None:
    edge = oracle.t.ppf(1 - alpha / 2, df)
    expected = oracle.nct.sf(edge, df, shift) + oracle.nct.cdf(-edge, df, shift)
    if not math.isfinite(expected):  # scipy's noncentral t gives nan in places
        return
    assert two_sided_t_power(shift, df, alpha) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 400), st.just(0.0) | st.floats(1e-9, 1), st.data())
def test_binomial_probabilities_agree(n: int, p: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    assert binomial_pmf(k, n, p) == pytest.approx(oracle.binom.pmf(k, n, p), rel=1e-8, abs=1e-300)


def test_bisection_finds_a_crossing_to_the_last_bit() -> None:
    assert crossing(lambda x: x * x - 2, 0.0, 2.0) == pytest.approx(math.sqrt(2), rel=1e-15)
