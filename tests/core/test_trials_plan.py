"""The design is checked before anything runs; the plan follows from it alone."""

import itertools

import msgspec
import pytest

from harnessgym_mcp.core.outcomes import INFRASTRUCTURE, Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, Design, by_trial, design_digest, new_design, plan, remaining
from harnessgym_mcp.errors import UsageError


def design(**choices: object) -> Design:
    tasks = choices.pop("tasks", [TaskRef(id="matmul"), TaskRef(id="conv")])
    arms = choices.pop("arms", ["plain", "harnessed"])
    bundle = choices.pop("bundle", Bundle(tools=["kernels__bench"]))
    return new_design(tasks, arms, Budget(seconds=60), Compare(), bundle=bundle, **choices)


def test_the_plan_has_every_task_arm_and_repetition_once() -> None:
    trials = plan(design(trials=5, arms=["plain", "harnessed", "notes"]))
    wanted = set(itertools.product(["matmul", "conv"], ["plain", "harnessed", "notes"], range(5)))
    assert {(t.task, t.arm, t.repetition) for t in trials} == wanted
    assert len(trials) == len(wanted) == len({t.id for t in trials})
    assert [t.order for t in trials] == list(range(30))


def test_the_arms_of_a_repetition_run_back_to_back() -> None:
    trials = plan(design(trials=6))
    for first, second in zip(trials[::2], trials[1::2], strict=True):
        assert (first.task, first.repetition) == (second.task, second.repetition)
        assert {first.arm, second.arm} == {"plain", "harnessed"}


def test_each_arm_goes_first_equally_often_in_an_order_that_the_seed_draws() -> None:
    firsts = set()
    for seed in range(20):
        trials = plan(design(trials=4, seed=seed, tasks=[TaskRef(id="one")]))
        first = tuple(t.arm for t in trials[::2])
        assert sorted(first) == ["harnessed", "harnessed", "plain", "plain"]
        firsts.add(first)
    assert len(firsts) == 4


def test_equal_designs_give_equal_plans_and_another_seed_another_order() -> None:
    assert plan(design(seed=1)) == plan(design(seed=1))
    assert [t.id for t in plan(design(seed=1))] != [t.id for t in plan(design(seed=2))]


def test_the_trials_of_a_repetition_share_a_seed_that_no_other_has() -> None:
    seeds: dict[tuple[str, int], set[int]] = {}
    for trial in plan(design(trials=8)):
        seeds.setdefault((trial.task, trial.repetition), set()).add(trial.seed)
    assert all(len(s) == 1 for s in seeds.values())
    assert len({s for group in seeds.values() for s in group}) == 16


def test_a_stored_design_is_the_same_design() -> None:
    one = design(trials=3, hashes={"task": "sha256:1"})
    assert msgspec.json.decode(msgspec.json.encode(one), type=Design) == one
    assert design_digest(one) != design_digest(design(trials=4, hashes={"task": "sha256:1"}))


def test_the_policy_gives_the_numbers_that_nobody_chose() -> None:
    rules = Compare(trials=11, alpha=0.01, worthwhile=0.2)
    made = new_design([TaskRef(id="a")], ["plain", "aa"], Budget(seconds=1), rules, power=0.9)
    assert (made.trials, made.alpha, made.worthwhile, made.power) == (11, 0.01, 0.2, 0.9)


@pytest.mark.parametrize("bundle", [Bundle(), Bundle(artifacts=["empty"], digest="sha256:0")])
def test_an_empty_harnessed_arm_is_refused(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="harnessed arm is empty"):
        design(bundle=bundle)


def test_a_bundle_of_skills_alone_is_a_harness() -> None:
    assert plan(design(bundle=Bundle(skills=["tiling"])))


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        ({"tasks": []}, "needs a task"),
        ({"tasks": [TaskRef(id="a"), TaskRef(id="a")]}, "same id"),
        ({"tasks": [TaskRef(id="../a")]}, "letters, digits"),
        ({"arms": ["harnessed", "notes"]}, "'plain'"),
        ({"arms": ["plain"]}, "two arms"),
        ({"arms": ["plain", "aa", "aa"]}, "twice"),
        ({"arms": ["plain", "magic"]}, "design is not valid"),
        ({"trials": 0}, "at least one trial"),
        ({"trials": True}, "design is not valid"),
        ({"alpha": 0.7}, "alpha"),
        ({"alpha": float("nan")}, "finite|not valid"),
        ({"power": 0.2}, "power"),
        ({"worthwhile": 0.0}, "worthwhile"),
        ({"worthwhile": 1.5, "scale": "pass"}, "rates"),
        ({"threshold": float("inf")}, "finite|not valid"),
        ({"retries": -1}, "retries"),
        ({"paired": False}, "in pairs"),
        ({"scale": "rank"}, "design is not valid"),
    ],
)
def test_a_design_that_leads_nowhere_is_refused_with_a_hint(choices: dict, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        design(**choices)
    assert caught.value.hint


def test_outcomes_of_another_plan_and_double_outcomes_are_refused() -> None:
    trials = plan(design(trials=1))
    outcome = Outcome(trial=trials[0].id)
    with pytest.raises(UsageError, match="not in the plan"):
        by_trial(trials, [Outcome(trial="nowhere.001.plain")])
    with pytest.raises(UsageError, match="two outcomes"):
        by_trial(trials, [outcome, outcome])


def test_what_has_no_outcome_remains_in_plan_order() -> None:
    made = design(trials=3)
    trials = plan(made)
    done = {t.id: Outcome(trial=t.id) for t in trials[:5]}
    assert remaining(made, done) == trials[5:]
    assert remaining(made, {}) == trials


@pytest.mark.parametrize("cause", INFRASTRUCTURE)
def test_infrastructure_failures_are_retried_until_the_tries_are_spent(cause: str) -> None:
    made = design(trials=1, retries=2)
    trial = plan(made)[0]
    again = [remaining(made, {trial.id: Outcome(trial=trial.id, cause=cause, tries=n)})[0] == trial for n in (1, 2, 3)]
    assert again == [True, True, False]


@pytest.mark.parametrize("cause", ["", "agent_failed", "agent_timed_out", "verifier_failed", "verifier_output"])
def test_nothing_else_is_ever_retried(cause: str) -> None:
    made = design(trials=1)
    outcomes = {t.id: Outcome(trial=t.id, cause=cause) for t in plan(made)}
    assert remaining(made, outcomes) == []
