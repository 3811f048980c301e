"""A run's transitions as pure data: the order of phases, when it ends, what is best, and durations."""

import pytest

from harnessgym_mcp.core.durations import parse_duration, parse_durations, show_duration
from harnessgym_mcp.core.run_state import (
    Rules,
    RunState,
    Score,
    TurnRecord,
    advance,
    began,
    is_improved,
    is_solved,
    with_iteration,
)
from harnessgym_mcp.errors import UsageError

ATTEMPT = TurnRecord(status="ok", session_id="s")


def play(rules: Rules, scores: list[Score], baseline: Score | None = None) -> tuple[list[str], RunState]:
    """The phases of a whole run, with these scores, and its end."""
    state, phases = RunState(id="r"), []
    while state.phase != "done":
        phases.append(state.phase)
        state = began(state)
        if state.phase == "baseline":
            state = RunState(**{f: getattr(state, f) for f in state.__struct_fields__} | {"baseline": baseline})
        elif state.phase == "attempt":
            state = with_iteration(state, attempt=ATTEMPT)
        elif state.phase == "score":
            state = with_iteration(state, score=scores[state.number - 1])
        state = advance(state, rules)
    return phases, state


def passed(value: float | None) -> Score:
    return Score(passed=True, score=value)


FAILED = Score(cause="verifier_failed", message="no")
ITERATION = ["prepare", "attempt", "score", "reflect", "build", "qualify"]


def test_an_iteration_goes_from_attempt_to_score_to_building():
    phases, state = play(Rules(iterations=2, scored=True), [FAILED, FAILED])
    assert phases == ["start", *ITERATION, *ITERATION]
    assert [i.number for i in state.iterations] == [1, 2]


def test_without_a_score_command_nothing_is_scored_or_solved():
    rules = Rules(iterations=1)
    phases, state = play(rules, [])
    assert phases == ["start", "prepare", "attempt", "reflect", "build", "qualify"]
    assert not is_solved(state, rules)


def test_a_run_that_is_solved_ends_before_it_builds_unless_it_shall():
    phases, _ = play(Rules(iterations=3, scored=True), [passed(None)])
    assert phases == ["start", "prepare", "attempt", "score"]
    phases, _ = play(Rules(iterations=3, scored=True, build_after_solve=True), [passed(None)])
    assert phases == ["start", *ITERATION]


@pytest.mark.parametrize(("direction", "solving", "not_yet"), [("higher", 5.0, 4.9), ("lower", 5.0, 5.1)])
def test_the_stop_score_is_reached_in_its_direction(direction, solving, not_yet):
    rules = Rules(iterations=2, scored=True, stop_score=5.0, direction=direction)
    phases, state = play(rules, [passed(not_yet), passed(solving)])
    assert phases == ["start", *ITERATION, "prepare", "attempt", "score"]
    assert is_solved(state, rules)


def test_a_score_of_a_failed_check_is_none_and_later_valid_ones_count():
    rules = Rules(iterations=2, scored=True, optimize=True, direction="lower")
    _, state = play(rules, [FAILED, passed(7.0)], baseline=passed(9.0))
    assert (state.best.iteration, state.best.score, state.best.snapshot) == (2, 7.0, "after-2")
    assert is_improved(state, rules)


def test_an_optimisation_that_gains_nothing_keeps_the_untouched_workspace():
    rules = Rules(iterations=1, scored=True, optimize=True)
    phases, state = play(rules, [passed(9.0)], baseline=passed(9.0))
    assert phases == ["start", "baseline", *ITERATION, "restore", "verify"]
    assert (state.best.iteration, state.best.snapshot) == (0, "initial")
    assert is_improved(state, rules) is False
    assert not is_solved(state, rules)


def test_a_first_valid_score_improves_a_workspace_that_had_none():
    rules = Rules(iterations=1, scored=True, optimize=True)
    _, state = play(rules, [passed(1.0)], baseline=FAILED)
    assert is_improved(state, rules)


def test_nothing_is_restored_where_no_state_was_valid_or_none_shall_be():
    phases, _ = play(Rules(iterations=1, scored=True, optimize=True), [FAILED], baseline=FAILED)
    assert phases[-1] == "qualify"
    rules = Rules(iterations=1, scored=True, optimize=True, restore_best=False)
    assert play(rules, [passed(1.0)], baseline=passed(0.0))[0][-1] == "qualify"


def test_each_start_of_a_phase_is_counted_anew():
    state = began(began(RunState(id="r")))
    assert state.tries == 2
    assert advance(state, Rules(iterations=1)).tries == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("45m", 2700), ("1h30m", 5400), ("2d1s", 172_801), (" 5S ", 5), ("1h30", 3630)]
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "-5", "5x", "m", "1m1h", "1.5h", "nan", "True", "9" * 30, "1h 5", "٣"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UsageError):
        parse_duration(text)


def test_a_list_of_durations_and_how_one_is_shown():
    assert parse_durations("1h,30m") == [3600, 1800]
    assert [show_duration(s) for s in (42, 185, 3723)] == ["42 s", "3:05", "1:02:03"]
