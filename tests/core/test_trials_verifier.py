"""What a verifier's output is worth."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessgym_mcp.core.tasks import finite, read_verifier, worse_of


def read(output: str, exit_code: int = 0, key: str = "cycles"):
    return read_verifier(output, exit_code=exit_code, key=key)


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ({"cycles": 12}, 12.0),
        ({"score": 3.5}, 3.5),
        ({"metrics": {"cycles": 7}}, 7.0),
        ({"objective": {"cycles": -1}}, -1.0),
        ({"verification": {"score": 2}}, 2.0),
        ({"score": 1, "metrics": {"cycles": 9}}, 9.0),
        ({"cycles": " 1.5e3 "}, 1500.0),
        ({"cycles": 4, "status": "Passed"}, 4.0),
    ],
)
def test_a_score_is_found_where_verifiers_put_it(said: dict, score: float) -> None:
    reading = read(json.dumps(said))
    assert (reading.passed, reading.score, reading.cause) == (True, score, "")


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "true",
        "false",
        "null",
        '"fast"',
        '"nan"',
        '"1_000"',
        '"0x10"',
        "[1]",
        "{}",
        "1e999",
    ],
)
def test_what_is_not_a_finite_number_is_a_failure_never_a_score(value: str) -> None:
    reading = read(f'{{"cycles": {value}}}')
    assert (reading.passed, reading.score, reading.cause) == (False, None, "verifier_output")
    assert "not a finite number" in reading.message


@pytest.mark.parametrize(
    "output", ["", "12.5", "[1, 2]", '"ok"', "null", "true", "score: 3", '{"cycles": 1} {"cycles": 2}', "[" * 100_000]
)
def test_output_that_is_not_one_object_is_a_failure(output: str) -> None:
    assert read(output).cause == "verifier_output"


@pytest.mark.parametrize("status", ["failed", "error", "", 0, False, ["passed"]])
def test_a_failed_verifiers_score_is_not_a_score(status: object) -> None:
    reading = read(json.dumps({"cycles": 1, "status": status, "reason": "wrong answer"}))
    assert (reading.passed, reading.score, reading.cause) == (False, None, "verifier_failed")
    assert "wrong answer" in reading.message


def test_an_exit_code_other_than_zero_fails_whatever_was_printed() -> None:
    reading = read('{"cycles": 1, "status": "passed"}', exit_code=3)
    assert (reading.passed, reading.score, reading.cause) == (False, None, "verifier_failed")


def test_a_verifier_may_pass_without_a_score() -> None:
    assert read('{"status": "ok"}') == read("{}")
    assert read("{}").passed


def test_hostile_output_is_cleaned_and_cut_in_the_message() -> None:
    message = read("\x1b[31mboo\x00" + "x" * 10_000, exit_code=1).message
    assert "\x1b" not in message
    assert len(message) < 500


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_any_json_is_read_without_an_error(said: object) -> None:
    reading = read(json.dumps(said))
    assert reading.score is None or finite(reading.score) is not None


def test_an_integer_too_large_for_a_float_is_no_score() -> None:
    assert finite(10**400) is None


def test_worse_is_lower_where_higher_is_better() -> None:
    assert (worse_of("higher", [3, 1, 2]), worse_of("lower", [3, 1, 2])) == (1, 3)
