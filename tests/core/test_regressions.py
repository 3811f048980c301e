"""A newer version that is slower or fails more is told, one with too few calls is not."""

from dataclasses import dataclass

import pytest

from harnessgym_mcp.core.policy import Lifecycle
from harnessgym_mcp.core.regressions import regressions


@dataclass
class Row:
    digest: str
    p50_ms: float | None
    calls: int = 10
    successes: int = 10
    artifact: str = "a"
    tool: str = "t"


VERSIONS = {"a": ("new", "old")}


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (Row("new", 10.0), 0),
        (Row("new", 16.0), 1),
        (Row("new", 16.0, calls=4, successes=4), 0),
        (Row("new", 10.0, successes=7), 1),
        (Row("new", 30.0, successes=2), 2),
        (Row("other", 90.0), 0),
        (Row("new", None), 0),
    ],
)
def test_what_is_told_of_a_new_version(new, told):
    assert len(regressions([Row("old", 10.0), new], VERSIONS, Lifecycle())) == told


def test_a_first_version_has_nothing_to_be_held_against():
    assert regressions([Row("new", 99.0)], {}, Lifecycle()) == []
