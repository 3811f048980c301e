"""Numbers and verdicts in words."""

import pytest

from harnessgym_mcp.core.comparison import Estimate, Judgement
from harnessgym_mcp.core.stats.exact import PValue
from harnessgym_mcp.report.words import change, dollars, duration, effect, headline, number, percent, probability


def estimate(scale: str, value: float, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(scale=scale, value=value, low=low, high=high, level=0.95, method="t")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.0, "0"),
        (12.0, "12"),
        (0.123456, "0.1235"),
        (123456.7, "123,457"),
        (1e-9, "1.000e-09"),
        (-5.5, "-5.5"),
        (2e12, "2.000e+12"),
    ],
)
def test_numbers_have_four_significant_digits(value: float | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (0.4249, "0.425 s"),
        (59.0, "59 s"),
        (60.0, "1 min"),
        (200.0, "3 min 20 s"),
        (7500.0, "2 h 5 min"),
        (7200.0, "2 h"),
    ],
)
def test_durations_are_in_units_that_people_use(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_money_and_shares() -> None:
    assert (dollars(None), dollars(0.0), dollars(1234.5), dollars(0.0123)) == ("–", "$0.00", "$1,234.50", "$0.0123")
    assert (percent(None), percent(0.256), percent(0.256, 1)) == ("–", "26%", "25.6%")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (estimate("ratio", 0.817, 0.79, 0.845), ("cycles 18.3% lower", "0.817 [0.790, 0.845]")),
        (estimate("ratio", 1.5), ("cycles 50% higher", "1.500 [no interval]")),
        (estimate("ratio", 1.0, 1.0, 1.0), ("cycles the same", "1.000 [1.000, 1.000]")),
        (estimate("difference", -3.25, -5, 1.5), ("cycles 3.25 lower", "-3.25 [-5, +1.5]")),
        (estimate("pass", 0.12, 0.03, 0.21), ("12 points more trials solved", "+12 points [+3, +21]")),
        (estimate("pass", -0.5, -0.7, 0.0), ("50 points fewer trials solved", "-50 points [-70, 0]")),
    ],
)
def test_effects_are_told_in_words_and_in_numbers(found: Estimate, words: tuple[str, str]) -> None:
    assert (change(found, "cycles"), effect(found)) == words


def test_a_verdict_that_is_underpowered_tells_what_it_needs() -> None:
    assert headline(Judgement(word="underpowered", reason="", needs=1234)) == "underpowered (needs n of about 1,234)"
    assert (
        headline(Judgement(word="underpowered", reason="")) == "underpowered (no affordable number of trials would do)"
    )
    assert headline(Judgement(word="better", reason="")) == "better"


def test_small_p_values_are_not_rounded_to_nothing() -> None:
    assert probability(PValue(p=0.0078125, method="", exact=True)) == "0.0078"
    assert probability(PValue(p=2e-9, method="", exact=True)) == "2.0e-09"
    assert probability(None) == "–"
