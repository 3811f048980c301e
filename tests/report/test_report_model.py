"""The model: documented by a schema, stored and read back without loss."""

import json
import math
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, new_design, plan
from harnessgym_mcp.errors import EXIT_NO_EVIDENCE, EXIT_OK, CorruptError
from harnessgym_mcp.report.model import ReportModel, build, decode, encode, schema
from harnessgym_mcp.report.page import html
from harnessgym_mcp.report.terminal import plain_text

DOCUMENTED = Path(__file__).parents[2] / "docs" / "schemas" / "report.schema.json"


def test_the_documented_schema_is_that_of_the_code() -> None:
    again = json.dumps(schema(), indent=2, sort_keys=True) + "\n"
    assert DOCUMENTED.read_text() == again, "write harnessgym_mcp.report.model.schema() to docs/schemas again"


def test_a_report_keeps_to_its_schema(model: ReportModel) -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(encode(model)))


def test_a_report_reads_back_as_it_was_written(model: ReportModel) -> None:
    assert decode(encode(model)) == model


def test_the_exit_code_follows_the_verdict(make) -> None:
    assert (make().verdict, make().exit_code) == ("better", EXIT_OK)
    assert (make(ended=3).exit_code, make(leaks=[]).exit_code) == (EXIT_NO_EVIDENCE, EXIT_OK)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"title": 3}', b"nonsense"])
def test_what_is_no_report_is_refused_with_a_hint(data: bytes) -> None:
    with pytest.raises(CorruptError) as caught:
        decode(data)
    assert caught.value.hint


def test_a_report_of_another_schema_is_refused(make) -> None:
    with pytest.raises(CorruptError, match="schema"):
        decode(encode(msgspec.structs.replace(make(), schema="harnessgym/report/99")))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.floats(), min_size=12, max_size=12), st.sampled_from(["ratio", "difference"]))
def test_any_scores_at_all_make_a_report_that_every_face_can_show(scores: list[float | None], scale: str) -> None:
    bundle = Bundle(tools=["k__bench"])
    design = new_design(
        [TaskRef(id="t")], ["plain", "harnessed"], Budget(seconds=9), Compare(), bundle=bundle, trials=6, scale=scale
    )
    outcomes = [Outcome(trial=t.id, passed=True, score=s, offered=1) for t, s in zip(plan(design), scores, strict=True)]
    model = build(design, outcomes, title="any", generated_at=0.0, harnessgym="0")
    assert decode(encode(model)) == model
    assert "<svg" in html(model) or not any(s is not None and math.isfinite(s) for s in scores)
    assert plain_text(model)
