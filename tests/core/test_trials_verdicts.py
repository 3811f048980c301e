"""From designs and outcomes to verdicts: each word, its reasons, and how often it is wrong."""

import math
import random

import msgspec
import pytest

from harnessgym_mcp.core.analysis import analyse
from harnessgym_mcp.core.comparison import Comparison
from harnessgym_mcp.core.outcomes import Call, Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.simulation import World, rehearse, simulate
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, Design, new_design, plan
from harnessgym_mcp.errors import EXIT_NO_EVIDENCE, EXIT_OK, EXIT_WORSE

USED = Call(tool="k__bench", status="completed", at=1.0, ms=5.0)


def design(tasks: int = 1, arms: tuple[str, ...] = ("plain", "harnessed"), **choices: object) -> Design:
    refs = [TaskRef(id=f"t{i}", held_out=True) for i in range(tasks)]
    choices = {"bundle": Bundle(tools=["k__bench"])} | choices
    return new_design(refs, list(arms), Budget(seconds=60), Compare(), **choices)


def outcomes(made: Design, scores: dict[str, list[float | None]]) -> list[Outcome]:
    """Outcomes with the given scores by arm, repetition after repetition; None is a failed attempt."""
    found = []
    for trial in plan(made):
        score = scores[trial.arm][trial.repetition]
        helped = trial.arm == "harnessed"
        found.append(
            Outcome(
                trial=trial.id,
                passed=score is not None,
                score=score,
                cause="" if score is not None else "agent_failed",
                offered=int(helped),
                calls=[USED] if helped else [],
                changed=True,
            )
        )
    return found


def compared(plain: list, harnessed: list, **choices: object) -> Comparison:
    made = design(trials=len(plain), **choices)
    return analyse(made, outcomes(made, {"plain": plain, "harnessed": harnessed}))


NOISE = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 97.0, 104.0]


def test_better_where_every_pair_gains() -> None:
    found = compared(NOISE, [v * 1.2 + i for i, v in enumerate(NOISE)])
    assert (found.judgement.word, found.exit_code) == ("better", EXIT_OK)
    first = found.contrasts[0]
    assert (first.wins, first.ties, first.losses) == (8, 0, 0)
    assert first.test is not None
    assert first.test.p == pytest.approx(2 / 256)
    assert first.estimate is not None
    assert first.estimate.low is not None
    assert 1.1 < first.estimate.low < first.estimate.value < 1.3


def test_worse_where_every_pair_loses() -> None:
    found = compared(NOISE, [v * 0.8 + i for i, v in enumerate(NOISE)])
    assert (found.judgement.word, found.exit_code) == ("worse", EXIT_WORSE)


def test_fewer_cycles_are_better_where_lower_is() -> None:
    found = compared(NOISE, [v * 0.8 + i for i, v in enumerate(NOISE)], direction="lower")
    assert found.judgement.word == "better"
    assert found.contrasts[0].estimate is not None
    assert found.contrasts[0].estimate.value < 1
    assert found.contrasts[0].wins == 8


def test_no_evidence_where_the_interval_rules_out_a_worthwhile_gain() -> None:
    found = compared(NOISE, [v + (-1) ** i for i, v in enumerate(NOISE)])
    assert (found.judgement.word, found.exit_code) == ("no evidence", EXIT_NO_EVIDENCE)
    assert "rules out" in found.judgement.reason


def test_no_evidence_where_the_trials_were_enough_though_the_interval_is_not_narrow() -> None:
    gains = [math.exp(0.0124 + 0.0492 * (-1) ** i) for i in range(32)]
    found = compared([100.0] * 32, [100.0 * g for g in gains], worthwhile=0.0265)
    assert found.judgement.word == "no evidence"
    assert "enough to find" in found.judgement.reason


def test_underpowered_tells_the_number_of_trials_needed() -> None:
    found = compared(NOISE, [v * (1.3 if i % 2 else 0.8) for i, v in enumerate(NOISE)])
    assert (found.judgement.word, found.exit_code) == ("underpowered", EXIT_NO_EVIDENCE)
    assert found.judgement.needs is not None
    assert found.judgement.needs > 100


def test_the_needed_number_is_enough_when_the_world_is_as_it_seemed() -> None:
    found = compared(NOISE, [v * (1.06 if i % 2 else 0.98) for i, v in enumerate(NOISE)], worthwhile=0.04)
    assert found.judgement.word == "underpowered"
    assert found.judgement.needs is not None
    shares = rehearse(
        design(trials=found.judgement.needs, worthwhile=0.04), World(effect=0.04, spread=0.0415), runs=120, seed=3
    )
    assert shares["better"] == pytest.approx(0.8, abs=0.13)


@pytest.mark.parametrize(("n", "descriptive"), [(1, True), (5, True), (6, False)])
def test_below_six_pairs_everything_is_descriptive_only(n: int, descriptive: bool) -> None:
    found = compared(NOISE[:n], [v * 2 for v in NOISE[:n]])
    assert found.judgement.descriptive is descriptive
    assert found.judgement.word == ("underpowered" if descriptive else "better")
    assert not descriptive or found.judgement.needs is not None


@pytest.mark.parametrize(("n", "word"), [(3, "underpowered"), (4, "better")])
def test_below_four_trials_of_each_unpaired_arm_everything_is_descriptive_only(n: int, word: str) -> None:
    found = compared(NOISE[:n], [v * 2 for v in NOISE[:n]], paired=False)
    assert found.judgement.word == word
    assert found.contrasts[0].pairs == []


def test_a_stricter_alpha_asks_for_more_pairs() -> None:
    assert compared(NOISE[:7], [v * 2 for v in NOISE[:7]], alpha=0.01).judgement.descriptive
    assert compared(NOISE, [v * 2 for v in NOISE], alpha=0.01).judgement.word == "better"


def test_a_failed_attempt_weighs_against_its_arm() -> None:
    gains = [v * 1.2 for v in NOISE]
    assert compared(NOISE, gains).judgement.word == "better"
    spoiled = compared(NOISE, [*gains[:4], None, None, None, None])
    assert spoiled.judgement.word != "better"
    assert spoiled.arms[1].failures == {"agent_failed": 4}
    assert sum(p.imputed for p in spoiled.contrasts[0].pairs) == 4


def test_scores_that_are_not_positive_are_compared_by_differences_and_that_is_said() -> None:
    found = compared([0.0, *NOISE[1:]], [v + 30 + i for i, v in enumerate(NOISE)])
    assert found.contrasts[0].estimate is not None
    assert found.contrasts[0].estimate.scale == "difference"
    assert found.judgement.word == "better"
    assert "scale" in {c.id for c in found.cautions}


def test_pass_and_fail_are_compared_by_mcnemar() -> None:
    made = design(trials=12, scale="pass", worthwhile=0.3)
    found = analyse(made, outcomes(made, {"plain": [None] * 9 + [1.0] * 3, "harnessed": [1.0] * 12}))
    first = found.contrasts[0]
    assert first.test is not None
    assert first.test.method == "exact McNemar test"
    assert first.test.p == pytest.approx(2 / 2**9)
    assert found.judgement.word == "better"
    assert first.estimate is not None
    assert first.estimate.value == pytest.approx(0.75)
    assert [a.solved for a in found.arms] == [3, 12]
    assert found.arms[0].pass_at["1"] == pytest.approx(0.25)
    assert found.arms[0].pass_at["2"] == pytest.approx(1 - (9 * 8) / (12 * 11))
    assert found.arms[1].pass_all["8"] == 1.0


def test_unpaired_pass_and_fail_are_compared_by_fisher() -> None:
    made = design(trials=12, scale="pass", worthwhile=0.3, paired=False)
    found = analyse(made, outcomes(made, {"plain": [None] * 9 + [1.0] * 3, "harnessed": [1.0] * 12}))
    assert found.contrasts[0].test is not None
    assert found.contrasts[0].test.method == "Fisher's exact test"
    assert found.judgement.word == "better"


def test_an_unfinished_plan_gets_no_verdict_however_good_it_looks() -> None:
    made = design(trials=8)
    found = analyse(made, outcomes(made, {"plain": NOISE, "harnessed": [v * 2 for v in NOISE]})[:-1])
    assert (found.judgement.word, found.finished, found.planned) == ("underpowered", 15, 16)
    assert "incomplete" in {c.id for c in found.cautions}


def test_where_every_pair_was_lost_as_many_as_were_planned_are_still_needed() -> None:
    made = design(tasks=6, trials=4)
    gone = [Outcome(trial=t.id, cause="worker_lost", tries=3) for t in plan(made)]
    judgement = analyse(made, gone).judgement
    assert (judgement.word, judgement.needs, judgement.descriptive) == ("underpowered", 4, True)
    assert judgement.reason.startswith("0 pairs: descriptive only")


def test_one_pair_tells_the_fewest_that_could_do_and_a_wild_few_that_none_can() -> None:
    assert compared([100.0], [200.0]).judgement.needs == 6
    assert "1 pair: descriptive" in compared([100.0], [200.0]).judgement.reason
    wild = compared([1.0, 1.0, 1.0], [1e90, 1e-90, 1e90], worthwhile=0.001).judgement
    assert (wild.needs, wild.descriptive) == (None, True)


@pytest.mark.parametrize("paired", [True, False])
def test_where_nobody_ever_scored_nothing_is_said_of_the_harness(paired: bool) -> None:
    judgement = compared([None] * 8, [None] * 8, paired=paired).judgement
    assert (judgement.word, judgement.needs, judgement.descriptive) == ("underpowered", 8, True)
    assert "none ever had a score" in judgement.reason


@pytest.mark.parametrize("score", [0.0, 5.0])
def test_where_all_scores_are_the_same_that_is_the_reason(score: float) -> None:
    judgement = compared([score] * 8, [score] * 8).judgement
    assert judgement.word == "no evidence"
    assert "nothing differed in any of 8 pairs" in judgement.reason


def test_nothing_at_all_is_analysed_too() -> None:
    found = analyse(design(trials=8), [])
    assert (found.judgement.word, found.finished, found.contrasts[0].estimate) == ("underpowered", 0, None)


def test_a_task_that_nobody_scored_at_is_a_tie_of_failures() -> None:
    made = design(tasks=2, trials=4)
    found = analyse(
        made,
        [
            msgspec.structs.replace(o, score=None, passed=False, cause="agent_failed") if o.trial[1] == "0" else o
            for o in outcomes(made, {"plain": NOISE, "harnessed": NOISE})
        ],
    )
    assert (found.judgement.word, found.contrasts[0].ties, found.contrasts[0].n) == ("no evidence", 8, 8)


def test_several_tasks_count_alike_and_harmed_ones_are_listed() -> None:
    factors = {"t0": 1.5, "t1": 1.4, "t2": 0.7, "t3": 1.2}
    made = design(tasks=4, trials=8)
    rng = random.Random(1)
    found = []
    for trial in plan(made):
        helped = trial.arm == "harnessed"
        score = rng.lognormvariate(3, 0.02) * (factors[trial.task] if helped else 1)
        found.append(Outcome(trial=trial.id, passed=True, score=score, offered=1, calls=[USED] * helped))
    first = analyse(made, found).contrasts[0]
    assert {t.task: t.harmed for t in first.tasks} == {"t0": False, "t1": False, "t2": True, "t3": False}
    assert all(t.p_holm >= t.test.p for t in first.tasks)
    assert first.estimate is not None
    assert first.estimate.value == pytest.approx((1.5 * 1.4 * 0.7 * 1.2) ** (1 / 4), rel=0.05)
    assert first.beyond is not None
    assert first.beyond.low is not None
    assert first.beyond.high is not None
    assert first.beyond.low < first.estimate.value < first.beyond.high
    assert "harmed" in {c.id for c in analyse(made, found).cautions}


def test_a_task_that_only_looks_worse_is_not_called_harmed() -> None:
    made = design(tasks=2, trials=8)
    found = [
        Outcome(
            trial=t.id,
            passed=True,
            score=NOISE[t.repetition]
            * (1 if t.arm == "plain" else 1.3 if t.task == "t0" else 1.02 - 0.01 * t.repetition),
            offered=1,
            calls=[USED],
        )
        for t in plan(made)
    ]
    looks_worse = analyse(made, found).contrasts[0].tasks[1]
    assert looks_worse.estimate.value < 1
    assert looks_worse.test.p < 0.2
    assert not looks_worse.harmed


def test_the_number_needed_is_that_of_each_task() -> None:
    def needs(tasks: int) -> int:
        found = analyse(made := design(tasks=tasks, trials=3), simulate(made, World(spread=0.5), seed=9)).judgement
        assert found.word == "underpowered"
        assert found.needs is not None
        return found.needs

    assert needs(10) < 0.5 * needs(1)


def test_the_test_weighs_tasks_alike_where_infrastructure_lost_some_of_one() -> None:
    made = design(tasks=2, trials=8)
    found = []
    for t in plan(made):
        lost = t.task == "t0" and t.repetition >= 2
        factor = 1 if t.arm == "plain" else math.exp(0.5 if t.task == "t0" else -0.4)
        score = NOISE[t.repetition] * factor
        cause = "worker_lost" if lost else ""
        found.append(Outcome(trial=t.id, passed=True, score=score, cause=cause, tries=3, offered=1, calls=[USED]))
    first = analyse(made, found).contrasts[0]
    assert (first.n, first.wins, first.losses) == (10, 2, 8)
    assert first.estimate is not None
    assert first.estimate.value == pytest.approx(math.exp(0.05))
    assert first.test is not None
    assert first.test.p > 0.5  # pooled, the eight losing pairs would make it 0.1


def test_many_tasks_with_one_trial_each_are_themselves_the_sample() -> None:
    made = design(tasks=10, trials=1)
    first = analyse(made, simulate(made, World(effect=0.4), seed=2)).contrasts[0]
    assert (first.n, first.judgement.word) == (10, "better")
    assert first.beyond is not None
    assert first.estimate is not None
    assert first.beyond.low == first.estimate.low is not None


def test_the_headline_rests_on_held_out_tasks_alone() -> None:
    refs = [TaskRef(id="train"), TaskRef(id="test", held_out=True)]
    made = new_design(refs, ["plain", "harnessed"], Budget(seconds=1), Compare(), bundle=Bundle(tools=["a"]), trials=8)
    found = [
        Outcome(
            trial=t.id,
            passed=True,
            score=NOISE[t.repetition] * (3 if t.task == "train" and t.arm == "harnessed" else 1),
            offered=1,
            calls=[USED],
        )
        for t in plan(made)
    ]
    first = analyse(made, found).contrasts[0]
    assert (first.n, first.ties, first.judgement.word) == (8, 8, "no evidence")
    assert [t.headline for t in first.tasks] == [False, True]
    assert len(first.pairs) == 16


def test_controls_are_contrasts_of_their_own_and_the_harness_is_primary() -> None:
    made = design(arms=("plain", "aa", "notes", "harnessed"), trials=8)
    found = analyse(made, simulate(made, World(effect=0.3), seed=1))
    pairs = [(c.arm, c.reference, c.primary) for c in found.contrasts]
    assert pairs[0] == ("harnessed", "plain", True)
    assert set(pairs[1:]) == {("aa", "plain", False), ("notes", "plain", False), ("harnessed", "notes", False)}
    assert found.judgement.word == "better"


def test_an_analysis_is_a_pure_function_of_design_and_outcomes() -> None:
    made = design(trials=8, threshold=105.0)
    played = simulate(made, World(effect=0.1, failing=0.2), seed=5)
    assert analyse(made, played) == analyse(made, list(reversed(played)))


def at_most(alpha: float, runs: int) -> float:
    """The largest share that binomial error explains, to about 3 standard errors."""
    return alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize(
    ("choices", "world"),
    [
        ({"trials": 8}, World()),
        ({"trials": 6}, World(spread=0.5, failing=0.15)),
        ({"trials": 10, "alpha": 0.1}, World(spread=0.3)),
        ({"trials": 8, "paired": False}, World(common=0.0)),
        ({"trials": 3, "tasks": 4}, World(spread=0.2, failing=0.05)),
        ({"trials": 16, "scale": "pass", "worthwhile": 0.3}, World(typical=0.5)),
    ],
)
def test_without_an_effect_better_and_worse_are_as_rare_as_alpha_says(choices: dict, world: World) -> None:
    made = design(**choices)
    shares = rehearse(made, world, runs=200, seed=17, rules=Compare(bootstrap_draws=100))
    assert shares.get("better", 0) + shares.get("worse", 0) <= at_most(made.alpha, 200)


def test_the_exact_test_spends_most_of_alpha() -> None:
    shares = rehearse(design(trials=10, alpha=0.1), World(), runs=200, seed=4)
    assert shares.get("better", 0) + shares.get("worse", 0) >= 0.1 - 3 * math.sqrt(0.09 / 200)


def test_a_control_arm_against_plain_is_as_rarely_significant() -> None:
    made = design(arms=("plain", "harnessed", "aa"), trials=8)
    words = []
    for seed in range(200):
        found = analyse(made, simulate(made, World(effect=0.5), seed=seed))
        words += [c.judgement.word for c in found.contrasts if c.arm == "aa"]
    assert sum(w in ("better", "worse") for w in words) / 200 <= at_most(0.05, 200)


def test_the_interval_of_a_whole_comparison_covers_the_true_ratio() -> None:
    made = design(trials=6)
    hit = 0
    for seed in range(400):
        estimate = analyse(made, simulate(made, World(effect=0.25, spread=0.4), seed=seed)).contrasts[0].estimate
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        hit += estimate.low <= 1.25 <= estimate.high
    assert hit / 400 == pytest.approx(0.95, abs=3 * math.sqrt(0.05 * 0.95 / 400))
