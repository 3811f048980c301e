"""Objects that are looked at without being read."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from harnessgym_mcp.core.frames import UNREAD, exactly, object_of

NAMES = st.lists(
    st.text(max_size=4) | st.sampled_from(["a", "b", "_0", "_1", 'q"', "\\", "\n", "é", "\ud800"]), max_size=4
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


def fit(names: list[str], raw: bytes) -> bool:
    try:
        exactly(names)(Raw(raw))
    except UNREAD:
        return False
    return True


@given(names=NAMES, value=st.dictionaries(st.sampled_from("ab") | st.text(max_size=4), VALUES, max_size=4) | VALUES)
@example(names=["a", "b"], value={"b": 1, "a": 2})
@example(names=["a"], value={"a": 1, "b": 2})
@example(names=["a", "b"], value={"a": 1})
@example(names=[], value={})
@example(names=[], value=[])
@example(names=["_0"], value={"a": 1})
def test_only_an_object_that_has_just_these_members_fits(names: list[str], value: object) -> None:
    names = list(dict.fromkeys(names))
    for ascii in (True, False):
        raw = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
        if fit(names, raw):
            assert isinstance(value, dict)
            assert set(names) == set(value) == set(object_of(Raw(raw)))


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"], ["_1", "_0"], ["from", "class", "é x", ""]])
def test_an_object_with_these_members_fits_in_any_order_and_spelling(names: list[str]) -> None:
    for order in (names, names[::-1], names * 2):
        members = b" , ".join(b"%b : %b" % (json.dumps(name).encode(), b'{"x": [1e999]}') for name in order)
        assert fit(names, b" {%b} " % members)
        assert not fit([*names, "more"], b"{%b}" % members)


def test_names_that_nobody_can_look_for_fit_nothing() -> None:
    for name in ('"', "\\", "\n", "\ud800"):
        assert not fit([name], json.dumps({name: 1}).encode())
