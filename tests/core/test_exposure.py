"""Which artifacts a list shows when all of them would cost a model too much."""

import pytest

from harnessgym_mcp.core.exposure import hidden_artifacts
from harnessgym_mcp.core.policy import Context

COSTS = {"": 900, "a": 400, "b": 400, "c": 400}


def hidden(expose="auto", budget=20_000, pinned=(), used=None):
    return hidden_artifacts(COSTS, Context(expose=expose, budget_tokens=budget), pinned, used or {})


def test_all_are_listed_while_they_fit():
    assert hidden(budget=1200) == frozenset()


def test_beyond_the_budget_the_most_recently_used_are_listed():
    assert hidden(budget=900, used={"a": 1.0, "b": 3.0, "c": 2.0}) == {"a"}


def test_a_pinned_artifact_is_listed_whatever_it_costs():
    assert hidden(budget=500, pinned=["a"], used={"b": 9.0}) == {"b", "c"}


def test_search_lists_the_pinned_alone():
    assert hidden("search", pinned=["c"], used={"a": 1.0}) == {"a", "b"}


def test_all_means_all():
    assert hidden("all", budget=0) == frozenset()


@pytest.mark.parametrize("used", [{}, {"gone": 5.0}])
def test_nothing_known_of_use_hides_what_does_not_fit(used):
    assert hidden(budget=1000, used=used) == {"a", "b", "c"}
