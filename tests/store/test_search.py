"""Tool search, with SQLite's full-text index and without it."""

import gc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harnessgym_mcp.store.search import ToolIndex


def tool(name: str, description: str = "", **properties: str) -> dict[str, Any]:
    inner = {key: {"type": "string", "description": text} for key, text in properties.items()}
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": inner}}


TOOLS = [
    tool("tsp-solver__improve_tour", "Improve a tour by 2-opt moves", cities="coordinates of all cities"),
    tool("tsp-solver__tour_length", "Length of a tour", tour="order of the cities"),
    tool("bench__run", "Run the benchmark and give its score", repetitions="how many times"),
    tool("notes__searchEverything", "Finds text in notes"),
]


@pytest.fixture(params=[True, False], ids=["full-text", "scoring"])
def index(request: pytest.FixtureRequest) -> ToolIndex:
    return ToolIndex(TOOLS, full_text=request.param)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("improve", "tsp-solver__improve_tour"),
        ("tour length", "tsp-solver__tour_length"),
        ("tsp-solver__tour_length", "tsp-solver__tour_length"),
        ("TSP_SOLVER tour LENGTH", "tsp-solver__tour_length"),
        ("benchm", "bench__run"),
        ("coordinates", "tsp-solver__improve_tour"),
        ("repetitions", "bench__run"),
        ("everything", "notes__searchEverything"),
        ("score of my program", "bench__run"),
    ],
)
def test_the_best_tool_comes_first(index: ToolIndex, query: str, first: str) -> None:
    assert index.search(query)[0] == first


def test_at_most_as_many_as_wanted(index: ToolIndex) -> None:
    assert len(index.search("tour", most=1)) == 1
    assert len(index.search("tour")) == 2


@pytest.mark.parametrize(
    "query", ["", "   ", '"', "*", "()", "AND", "NEAR(", '" OR 1 --', "name:", "-", "\0", "\udce9"]
)
def test_hostile_queries_find_something_or_nothing_but_never_raise(index: ToolIndex, query: str) -> None:
    assert set(index.search(query)) <= {t["name"] for t in TOOLS}


def test_words_of_the_query_language_are_words(index: ToolIndex) -> None:
    assert index.search("NEAR benchmark") == ["bench__run"]


@settings(database=None, deadline=None)
@given(st.text(max_size=40))
def test_no_text_makes_a_search_raise(query: str) -> None:
    both = [ToolIndex(TOOLS, full_text=full).search(query) for full in (True, False)]
    assert all(len(found) <= 4 for found in both)
    gc.collect()


def test_hostile_definitions_are_indexed_as_far_as_they_go() -> None:
    deep: dict[str, Any] = {}
    for _ in range(2000):
        deep = {"properties": {"x": deep}}
    odd = [
        {"name": "deep", "inputSchema": deep},
        {"name": "list", "description": ["not", "text"], "inputSchema": []},
        {"name": "none", "title": None, "inputSchema": {"properties": None}},
        {"description": "nameless \udce9 \x00"},
        tool("fine", "works"),
    ]
    for full_text in (True, False):
        assert ToolIndex(odd, full_text=full_text).search("works") == ["fine"]


def test_an_index_of_nothing_finds_nothing() -> None:
    assert ToolIndex([]).search("tour") == []
