"""By intention to treat: what each kind of trial counts as."""

import math

import pytest

from harnessgym_mcp.core.judging import Judged, judge
from harnessgym_mcp.core.outcomes import INFRASTRUCTURE, Call, Outcome, Point, Usage
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, Design, new_design

USED = Call(tool="k__bench", status="completed", at=1.0, ms=5.0)


def design(task: TaskRef | None = None, **choices: object) -> Design:
    choices = {"trials": 2, "bundle": Bundle(tools=["k__bench"])} | choices
    return new_design([task or TaskRef(id="t")], ["plain", "harnessed"], Budget(seconds=60), Compare(), **choices)


def ran(id: str, score: float | None = 10.0, **more: object) -> Outcome:
    return Outcome(**{"trial": f"t.{id}", "passed": True, "score": score, "offered": 1, "calls": [USED]} | more)


def judged(made: Design, *outcomes: Outcome) -> dict[str, Judged]:
    return {j.trial.removeprefix("t."): j for j in judge(made, outcomes)}


def test_a_verified_score_counts_as_itself() -> None:
    found = judged(design(), ran("001.plain", 4.0))["001.plain"]
    assert (found.valid, found.score, found.value, found.imputed, found.cause) == (True, 4.0, 4.0, False, "")


@pytest.mark.parametrize("direction", ["higher", "lower"])
@pytest.mark.parametrize(
    "failed",
    [
        {"cause": "agent_failed"},
        {"cause": "verifier_failed", "passed": False},
        {"cause": "verifier_timed_out", "passed": False},
        {"cause": "verifier_output", "passed": False, "score": None},
        {"cause": "agent_timed_out", "passed": False},
        {"passed": False},
        {"score": math.nan},
        {"score": math.inf},
        {"score": True},
        {"score": None},
    ],
)
def test_a_failure_has_no_score_and_counts_as_the_worst_value(failed: dict, direction: str) -> None:
    made = design(direction=direction)
    outcomes = [
        ran("001.plain", 10.0),
        ran("001.harnessed", 30.0),
        ran("002.plain", 20.0),
        ran("002.harnessed", **{"score": 5.0} | failed),
    ]
    found = judged(made, *outcomes)["002.harnessed"]
    assert (found.valid, found.score, found.imputed) == (False, None, True)
    assert found.value == (10.0 if direction == "higher" else 30.0)
    assert found.cause
    assert found.message


def test_a_stated_worst_value_and_a_starting_score_take_the_place_of_what_was_seen() -> None:
    failed = ran("001.harnessed", cause="agent_failed", start_score=3.0)
    ok = ran("001.plain", 10.0, start_score=3.0)
    assert judged(design(), ok, failed)["001.harnessed"].value == 3.0
    assert judged(design(TaskRef(id="t", worst=-7.0)), ok, failed)["001.harnessed"].value == -7.0
    assert judged(design(TaskRef(id="t", worst=-7.0), failure="baseline"), ok, failed)["001.harnessed"].value == 3.0
    assert judged(design(TaskRef(id="t", baseline=2.0), failure="baseline"), ok, failed)["001.harnessed"].value == 2.0


def test_where_nobody_ever_scored_a_failure_has_no_value() -> None:
    found = judged(design(), ran("001.plain", None), ran("001.harnessed", None, passed=False))
    assert [j.value for j in found.values()] == [None, None]


@pytest.mark.parametrize("cause", ["agent_timed_out", "budget_spent"])
def test_out_of_time_with_a_verified_score_is_a_score_and_says_so(cause: str) -> None:
    found = judged(design(), ran("001.plain", 4.0, cause=cause))["001.plain"]
    assert (found.valid, found.value, found.cause, found.flags) == (True, 4.0, cause, ["timed_out"])


@pytest.mark.parametrize("cause", INFRASTRUCTURE)
def test_a_trial_lost_to_infrastructure_counts_for_nothing(cause: str) -> None:
    found = judged(design(), ran("001.plain", 4.0), ran("001.harnessed", 9.0, cause=cause, tries=3))["001.harnessed"]
    assert (found.lost, found.valid, found.value, found.flags) == (True, False, None, ["retried"])


def test_pass_and_fail_count_as_one_and_zero_without_a_score() -> None:
    made = design(scale="pass", worthwhile=0.2)
    found = judged(
        made, ran("001.plain", None), ran("001.harnessed", None, passed=False), ran("002.plain", cause="worker_lost")
    )
    assert [found[k].value for k in ("001.plain", "001.harnessed", "002.plain")] == [1.0, 0.0, None]


@pytest.mark.parametrize(
    ("direction", "score", "solved"),
    [("higher", 9.9, False), ("higher", 10.0, True), ("lower", 10.1, False), ("lower", 10.0, True)],
)
def test_a_threshold_decides_what_is_solved(direction: str, score: float, solved: bool) -> None:
    assert judged(design(direction=direction, threshold=10.0), ran("001.plain", score))["001.plain"].solved is solved


def test_the_threshold_was_reached_at_the_first_verified_score_beyond_it() -> None:
    curve = [Point(5.0, 1.0), Point(9.0, math.nan), Point(12.0, 11.0), Point(20.0, 12.0)]
    made = design(threshold=10.0)
    late = judged(
        made,
        ran("001.plain", 12.0, curve=curve, usage=Usage(seconds=30.0)),
        ran("002.plain", 12.0, usage=Usage(seconds=31.0)),
    )
    assert (late["001.plain"].reached, late["002.plain"].reached) == (12.0, 31.0)
    assert judged(made, ran("001.plain", 9.0, curve=curve))["001.plain"].reached is None


def test_an_untouched_workspace_and_an_unchanged_score_are_flagged() -> None:
    found = judged(design(), ran("001.plain", 4.0, start_score=4.0, changed=False))["001.plain"]
    assert (found.valid, found.flags) == (True, ["untouched", "start_score"])
    assert "start_score" in judged(design(TaskRef(id="t", baseline=4.0)), ran("001.plain", 4.0))["001.plain"].flags


def test_a_harness_that_offers_nothing_fails_its_trial_unless_that_is_allowed() -> None:
    bare = ran("001.harnessed", 9.0, offered=0, calls=[])
    found = judged(design(), ran("001.plain", 4.0), bare)["001.harnessed"]
    assert (found.cause, found.value) == ("harness_inactive", 4.0)
    found = judged(design(require_active_harness=False), ran("001.plain", 4.0), bare)["001.harnessed"]
    assert (found.cause, found.value, found.flags) == ("", 9.0, ["unused", "inactive"])


@pytest.mark.parametrize(
    ("call", "used"),
    [
        (USED, True),
        (Call(tool="k__bench", status="tool_error", at=0, ms=1), False),
        (Call(tool="k__bench", status="timeout", at=0, ms=1), False),
        (Call(tool="k__bench", status="completed", at=0, ms=1, origin="qualification"), False),
        (Call(tool="k__bench", status="completed", at=0, ms=1, origin="cli"), False),
    ],
)
def test_only_the_agents_own_successful_calls_are_use(call: Call, used: bool) -> None:
    found = judged(design(require_tool_use=True), ran("001.plain", 4.0), ran("001.harnessed", 9.0, calls=[call]))[
        "001.harnessed"
    ]
    assert found.valid is used
    assert found.cause == ("" if used else "tool_unused")


def test_the_plain_arm_needs_no_tool() -> None:
    made = design(require_tool_use=True)
    assert judged(made, ran("001.plain", 4.0, calls=[], offered=0))["001.plain"].valid
