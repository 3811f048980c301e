"""Axes and canvases."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessgym_mcp.report.svg import Canvas, linear, logarithmic

sizes = st.floats(-1e100, 1e100)
positive = st.floats(1e-100, 1e100)


@given(st.lists(sizes, min_size=1, max_size=20))
def test_a_linear_axis_holds_its_values_in_order_with_a_few_round_ticks(values: list[float]) -> None:
    axis = linear(values, 100, 500)
    places = [axis.at(v) for v in sorted(values)]
    assert places == sorted(places)
    assert all(100 <= p <= 500 for p in places)
    assert len(axis.ticks) <= 14


@given(st.lists(positive, min_size=1, max_size=20))
def test_a_logarithmic_axis_does_the_same_for_ratios(values: list[float]) -> None:
    axis = logarithmic(values, 100, 500)
    places = [axis.at(v) for v in sorted(values)]
    assert places == sorted(places)
    assert len(axis.ticks) <= 26


@pytest.mark.parametrize(
    ("values", "ticks"), [([0.0, 10.0], [0, 2, 4, 6, 8, 10]), ([5.0, 5.0], [4.7, 4.8, 4.9, 5, 5.1, 5.2, 5.3])]
)
def test_ticks_are_round(values: list[float], ticks: list[float]) -> None:
    assert linear(values, 0, 1).ticks == ticks


def test_a_logarithmic_axis_shows_equal_ratios_as_equal_distances() -> None:
    axis = logarithmic([0.5, 1.0, 2.0], 0, 300)
    assert axis.at(1.0) - axis.at(0.5) == pytest.approx(axis.at(2.0) - axis.at(1.0))
    assert 1.0 in axis.ticks


def test_long_and_hostile_text_is_cut_escaped_and_told_in_full_in_a_tip() -> None:
    canvas = Canvas(100, 100)
    canvas.text(0, 10, "<b>&" + "x" * 300, width=60)
    root = ElementTree.fromstring(canvas.render("n", "t & u", "<d>"))
    (text,) = root.iter("{http://www.w3.org/2000/svg}text")
    assert text.text is not None
    assert len(text.text) < 12
    assert "<b>&xxx" in "".join(text.itertext())
