"""Each thing that a reader must know is said, and what breaks a claim withholds the word better."""

import re
from pathlib import Path

import pytest

from harnessgym_mcp.core.analysis import analyse
from harnessgym_mcp.core.comparison import Comparison
from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.outcomes import Call, Outcome, Usage
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Arm, Budget, Bundle, Design, Trial, new_design, plan

NOISE = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 97.0, 104.0]
LEAKS = [
    Leak(kind=kind, where="fixtures/a.json:1", what="text") for kind in ("answer", "fixture", "final_case", "task")
]


def design(held_out: bool = True, arms: tuple[Arm, ...] = ("plain", "harnessed"), **choices: object) -> Design:
    tasks = [TaskRef(id="t", held_out=held_out)]
    choices = {"bundle": Bundle(tools=["k__bench", "k__plot"]), "trials": 8} | choices
    return new_design(tasks, list(arms), Budget(seconds=60), Compare(), **choices)


def ran(trial: Trial, factor: float = 1.3, **more: object) -> Outcome:
    helped = trial.arm == "harnessed"
    score = NOISE[trial.repetition] * (factor if helped else 1) + trial.repetition * helped
    calls = [Call(tool="k__bench", status="completed", at=2.0 + trial.repetition, ms=10.0, edit_after=True)] * helped
    told = {"trial": trial.id, "passed": True, "score": score, "offered": 2, "calls": calls, "changed": True}
    return Outcome(**told | more)


def ids(found: Comparison) -> dict[str, str]:
    return {c.id: c.severity for c in found.cautions}


def test_a_clean_comparison_has_no_caution_but_that_it_is_one_task() -> None:
    made = design()
    found = analyse(made, [ran(t) for t in plan(made)], leaks=[])
    assert (found.judgement.word, ids(found)) == ("better", {"one-task": "note"})
    assert found.audited


def test_a_bundle_that_was_not_audited_is_told() -> None:
    made = design()
    found = analyse(made, [ran(t) for t in plan(made)])
    assert ids(found)["not-audited"] == "weakens"
    assert not found.audited


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.kind)
def test_a_leaked_answer_withholds_better_and_a_leaked_name_does_not(leak: Leak) -> None:
    made = design()
    found = analyse(made, [ran(t) for t in plan(made)], leaks=[leak])
    assert ids(found)[f"leak.{leak.kind}"] == ("breaks" if leak.breaks else "weakens")
    assert found.judgement.word == ("no evidence" if leak.breaks else "better")
    assert found.judgement.withheld is leak.breaks
    assert found.leaks == [leak]


def test_a_broken_claim_never_hides_that_it_is_worse() -> None:
    made = design()
    assert analyse(made, [ran(t, 0.7) for t in plan(made)], leaks=LEAKS).judgement.word == "worse"


def test_tools_that_nobody_called_cannot_have_made_the_difference() -> None:
    made = design()
    failed = Call(tool="k__bench", status="tool_error", at=1.0, ms=1.0)
    found = analyse(made, [ran(t, calls=[failed] * (t.arm == "harnessed")) for t in plan(made)])
    assert ids(found)["unused"] == "breaks"
    assert found.judgement.withheld


def test_some_unused_harnesses_are_noted_and_compared_apart() -> None:
    made = design()
    found = analyse(made, [ran(t, calls=[]) if t.repetition < 3 else ran(t) for t in plan(made)])
    assert ids(found)["unused"] == "note"
    assert found.split is not None
    assert (found.split.used, found.split.unused) == (5, 3)
    assert found.split.used_estimate is not None
    assert found.split.unused_estimate is not None


def test_a_skills_only_harness_is_not_asked_for_calls() -> None:
    made = design(bundle=Bundle(skills=["tiling"]), require_tool_use=True)
    found = analyse(made, [ran(t, calls=[], offered=0) for t in plan(made)])
    assert found.judgement.word == "better"
    assert "unused" not in ids(found)


def test_drift_of_what_was_planned_breaks_the_comparison() -> None:
    made = design(hashes={"model": "sha256:a", "verifier": "sha256:v"})
    found = analyse(made, [ran(t, hashes={"model": "sha256:b" if t.order == 3 else "sha256:a"}) for t in plan(made)])
    assert ids(found)["drift"] == "breaks"
    assert found.judgement.withheld


def test_an_arm_that_never_touched_its_workspace_breaks_the_comparison() -> None:
    made = design()
    found = analyse(made, [ran(t, changed=t.arm != "plain") for t in plan(made)])
    assert ids(found)["untouched"] == "breaks"
    some = analyse(made, [ran(t, changed=t.order > 4) for t in plan(made)])
    assert ids(some)["untouched"] == "note"


def test_scores_equal_to_the_starting_score_are_told() -> None:
    made = design()
    found = analyse(made, [ran(t, start_score=NOISE[t.repetition]) for t in plan(made)])
    assert "8 plain" in next(c.what for c in found.cautions if c.id == "start-score")


def test_harnesses_that_offered_nothing_are_told() -> None:
    made = design()
    found = analyse(made, [ran(t, offered=0) if t.order == 1 else ran(t) for t in plan(made)])
    helped = plan(made)[1].arm == "harnessed"
    assert ("inactive" in ids(found)) is helped


def test_lost_trials_are_told_and_their_pairs_left_out() -> None:
    made = design()
    lost = {t.id for t in plan(made) if (t.arm, t.repetition) in (("plain", 0), ("harnessed", 4))}
    found = analyse(made, [ran(t, cause="worker_lost", tries=3) if t.id in lost else ran(t) for t in plan(made)])
    assert ids(found)["lost"] == "weakens"
    assert (found.contrasts[0].n, found.contrasts[0].dropped) == (6, 2)
    assert [a.lost for a in found.arms] == [1, 1]


def test_a_killed_trial_with_tries_left_is_unfinished_not_failed() -> None:
    made = design()
    found = analyse(made, [ran(t, cause="interrupted") if not t.order else ran(t) for t in plan(made)])
    assert ids(found)["incomplete"] == "weakens"
    assert (found.finished, found.judgement.word) == (15, "underpowered")


def test_a_task_the_harness_may_know_is_told() -> None:
    made = design(held_out=False)
    assert ids(analyse(made, [ran(t) for t in plan(made)]))["not-held-out"] == "weakens"


def test_repeating_something_deterministic_is_no_evidence_and_that_is_told() -> None:
    made = design()
    found = analyse(made, [ran(t, score=2.0 if t.arm == "harnessed" else 1.0) for t in plan(made)])
    assert ids(found)["no-spread"] == "weakens"


def test_scripts_are_called_scripts() -> None:
    made = design()
    assert ids(analyse(made, [ran(t, scripted=True) for t in plan(made)]))["scripted"] == "weakens"


def test_failures_are_told_by_cause_and_arm() -> None:
    made = design()
    found = analyse(made, [ran(t, score=float("nan")) if t.order < 3 else ran(t) for t in plan(made)])
    assert any("there is no score" in c.what for c in found.cautions if c.id == "failed")


def test_a_control_that_differs_is_told() -> None:
    made = design(arms=("plain", "harnessed", "aa"))
    found = analyse(made, [ran(t, score=NOISE[t.repetition] * (2 if t.arm == "aa" else 1)) for t in plan(made)])
    assert ids(found)["control"] == "weakens"


def test_a_drawn_p_value_is_told() -> None:
    made = design()
    found = analyse(made, [ran(t) for t in plan(made)], rules=Compare(exact_most=5, draws=2000))
    assert ids(found)["drawn"] == "note"


def test_a_test_and_an_interval_that_disagree_are_told() -> None:
    made = design(trials=6)
    odd = [100.1, 100.1, 100.1, 100.1, 100.1, 190.0]
    found = analyse(made, [ran(t, score=odd[t.repetition] if t.arm == "harnessed" else 100.0) for t in plan(made)])
    assert found.judgement.word == "better"
    assert ids(found)["disagreement"] == "note"


def test_the_costs_of_building_are_weighed_against_the_savings() -> None:
    generation = Usage(seconds=600.0, input_tokens=9_000, output_tokens=1_000, dollars=4.0)
    made = design(bundle=Bundle(tools=["k__bench"], generation=generation))

    def spent(trial: Trial) -> Usage:
        plain = trial.arm == "plain"
        return Usage(seconds=50.0 if plain else 20.0, dollars=0.5, input_tokens=900, output_tokens=100 if plain else 50)

    found = analyse(made, [ran(t, usage=spent(t)) for t in plan(made)])
    assert {b.unit: b.runs for b in found.break_even} == {"seconds": 20, "tokens": 200, "dollars": None}
    assert found.arms[0].median_seconds == 50.0
    assert (found.arms[0].tokens, found.arms[0].told_tokens) == (8000, 8)


def test_calls_are_told_by_tool_and_status() -> None:
    made = design()
    slow = Call(tool="k__plot", status="timeout", at=9.0, ms=1000.0)
    mine = Call(tool="k__bench", status="completed", at=0.5, ms=1.0, origin="qualification")
    found = analyse(
        made, [ran(t, calls=[*ran(t).calls, slow, mine] if t.arm == "harnessed" else []) for t in plan(made)]
    )
    bench, plot = sorted(found.tools, key=lambda u: u.tool)
    assert (bench.calls, bench.statuses, bench.errors, bench.followed) == (8, {"completed": 8}, 0.0, 1.0)
    assert (bench.first, bench.p50_ms, bench.trials) == (5.5, 10.0, 8)
    assert (plot.statuses, plot.errors, plot.followed) == ({"timeout": 8}, 1.0, None)


def test_the_time_to_the_threshold_is_a_curve_of_each_arm() -> None:
    made = design(threshold=110.0)
    found = analyse(made, [ran(t, usage=Usage(seconds=10.0 + t.repetition)) for t in plan(made)])
    plain, harnessed = found.curves
    assert (plain.steps, plain.median) == ([], None)
    assert harnessed.steps[-1] == (17.0, 1.0)
    assert harnessed.median == 13.0


def test_every_caution_is_documented() -> None:
    root = Path(__file__).parents[2]
    source = (root / "harnessgym_mcp" / "core" / "cautions.py").read_text()
    documented = (root / "docs" / "statistics.md").read_text()
    ids = set(re.findall(r'id="([a-z-]+)"', source)) | {f"leak.{leak.kind}" for leak in LEAKS}
    assert len(ids) > 15
    assert [id for id in sorted(ids) if f"`{id}`" not in documented] == []
