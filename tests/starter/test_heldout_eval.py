"""heldout-eval: noise, comparisons, and a held-out mode that stays held out."""

import random
import shutil

import pytest

COUNTER = "n=$(cat {name} 2>/dev/null || echo 0); echo $((n + 1)) > {name}; "


def jittering(base, name="n", spread=10):
    """A command whose score wanders between base and base + spread, the same way each time."""
    return COUNTER.format(name=name) + f"echo $(({base} + (n * 7) % {spread}))"


# ---- through the harness


async def test_an_evaluation_stays_the_same_from_session_to_session(harness, folder):
    name, script = f"eval-{folder}", f"{folder}/score.sh"
    (harness.workspace / script).write_text("echo 10\n")
    same = {"evaluation": name, "mode": "dev", "command": f"sh {script}", "score": "stdout"}
    async with harness.session() as call:
        first = await call("heldout-eval__evaluate", candidate="baseline", **same)
        assert first.value["median"] == 10
    (harness.workspace / script).write_text("echo 8\n")
    async with harness.session() as call:
        second = await call("heldout-eval__evaluate", candidate="faster", **same)
        assert second.value["against_best_so_far"] == {
            "candidate": "baseline", "median_then": 10, "median_now": 8, "verdict": "better",
            "says": "confirm with `compare`, which runs both in turns",
        }  # fmt: skip
        other = await call("heldout-eval__evaluate", **{**same, "candidate": "x", "command": "echo 1"})
        assert "stays so" in other.complaint
        report = (await call("heldout-eval__report", evaluation=name)).value
    assert report["candidates"] == [
        {"candidate": "baseline", "dev": 10},
        {"candidate": "faster", "dev": 8, "dev_gain_percent": 20},
    ]


@pytest.mark.skipif(not shutil.which("valgrind") or not shutil.which("cc"), reason="valgrind and a compiler are needed")
async def test_instructions_are_counted_inside_the_sandbox_with_the_hottest_functions(harness, folder):
    source = (
        "int main(int c, char **v) { volatile long s = 0; for (long i = 0; i < c * 1000000L; i++) s += i; return 0; }"
    )
    (harness.workspace / folder / "t.c").write_text(source)
    async with harness.session() as call:
        built = f"cc -O1 -o {folder}/t {folder}/t.c && {folder}/t"
        await call("heldout-eval__measure", command=built, score="seconds", repeats=1)
        one, two = [
            (await call("heldout-eval__measure", command=f"{folder}/t{more}", score="instructions", repeats=2)).value
            for more in ("", " again")
        ]
    assert one["hottest"][0]["function"] == "main"
    loop = two["median"] - one["median"]
    assert 3_000_000 < loop < 8_000_000  # a million rounds of some instructions
    assert one["max"] - one["min"] < 0.001 * one["median"]


# ---- measuring


async def test_noise_is_estimated_and_the_runs_that_one_percent_needs_are_told(bench):
    async with bench.server("heldout-eval") as server:
        found = (await server.call("measure", command=jittering(1000), score="stdout", repeats=20, warmup=0)).value
    assert found["n"] == 20
    assert found["median"] == 1004.5
    assert found["mad"] == 2.5
    low, high = found["interval_95"]
    assert low < 1004.5 < high
    assert (found["min"], found["max"]) == (1000, 1009)
    # spread 2.947 over 20 runs: t(38) * s * sqrt(2/20) / mean
    assert found["noise"]["detectable_percent"] == pytest.approx(
        100 * 2.0244 * 2.947 * (2 / 20) ** 0.5 / 1004.5, rel=1e-3
    )
    assert found["noise"]["runs_to_see_1_percent"] == 3


async def test_warming_up_is_left_out_and_drift_is_told(bench):
    rising = COUNTER.format(name="n") + "echo $((100 + n * 5))"
    async with bench.server("heldout-eval") as server:
        found = (await server.call("measure", command=rising, score="stdout", repeats=12, warmup=3)).value
    assert found["values"][0] == 115
    assert "off the first: warm up longer" in found["noise"]["drift"]


async def test_an_outlier_is_named_and_leaves_the_median_alone(bench):
    spiky = COUNTER.format(name="n") + "test $n = 4 && echo 9000 || echo $((100 + n % 3))"
    async with bench.server("heldout-eval") as server:
        found = (await server.call("measure", command=spiky, score="stdout", repeats=11, warmup=0)).value
    assert found["median"] == 101
    assert found["outliers"] == [9000]


async def test_few_or_equal_runs_are_not_made_more_of(bench):
    async with bench.server("heldout-eval") as server:
        few = (await server.call("measure", command="echo 3", score="stdout", repeats=2)).value
        equal = (await server.call("measure", command="echo 3", score="stdout", repeats=4)).value
    assert "say nothing about noise" in few["noise"]["says"]
    assert few["interval_95"] is None
    assert equal["noise"]["detectable_percent"] == 0


async def test_processor_time_is_that_of_the_command_and_not_of_waiting(bench):
    busy = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"
    async with bench.server("heldout-eval") as server:
        waiting = (await server.call("measure", command="sleep 0.5", score="cpu_seconds", repeats=1)).value
        working = (await server.call("measure", command=f"({busy})", score="cpu_seconds", repeats=1)).value
        wall = (await server.call("measure", command="sleep 0.5", score="seconds", repeats=1, warmup=0)).value
    assert waiting["median"] < 0.1 < working["median"]
    assert 0.5 <= wall["median"] < 30


@pytest.mark.parametrize(
    ("command", "score", "words"),
    [
        ("echo oh no >&2; exit 4", "stdout", "run 1 of 11: the command exited with 4; its output ends: oh no"),
        ("kill -9 $$", "seconds", "was ended by signal 9"),
        ("true", "stdout", "it printed nothing"),
        ("echo v1.2beta", "stdout", "gave no number"),
        ("echo '{\"a\": NaN}'", "json:a", "only finite numbers"),
        ("echo '{\"a\": true}'", "json:a", "no number at 'a' but true"),
        ("echo '[1]'", "json:a", "printed no JSON object"),
    ],
)
async def test_a_run_without_a_score_is_an_error_that_says_why(bench, command, score, words):
    async with bench.server("heldout-eval") as server:
        assert words in (await server.call("measure", command=command, score=score)).complaint


async def test_a_command_that_takes_too_long_is_ended_with_its_children(bench):
    async with bench.server("heldout-eval") as server:
        slow = await server.call("measure", command="sleep 300 & sleep 300", score="seconds", timeout_s=0.3)
    assert "took too long" in slow.complaint


async def test_what_a_command_leaves_running_does_not_hold_up_its_answer(bench):
    async with bench.server("heldout-eval") as server:
        answer = await server.call("measure", command="sleep 300 & echo 5", score="stdout", repeats=1, timeout_s=20)
    assert answer.value["median"] == 5


# ---- comparing


async def test_a_real_difference_is_told_from_noise_in_either_direction(bench):
    a, b, c = jittering(1000, "a"), jittering(900, "b"), jittering(1001, "c")
    async with bench.server("heldout-eval") as server:
        better = (await server.call("compare", a=a, b=b, score="stdout")).value
        worse = (await server.call("compare", a=a, b=b, score="stdout", better="higher")).value
        noise = (await server.call("compare", a=a, b=c, score="stdout", rounds=5)).value
        small = (await server.call("compare", a="echo 1000", b="echo 999", score="stdout", rounds=3)).value
        few = (await server.call("compare", a="echo 1", b="echo 2", score="stdout", rounds=2)).value
    assert (better["verdict"], worse["verdict"]) == ("b is better", "a is better")
    assert better["ratio_b_to_a"] == pytest.approx(0.9, abs=0.01)
    assert better["interval_95"][1] < 1
    assert better["p_sign_flip"] == pytest.approx(2 / 2**8, abs=1e-5)
    assert (noise["verdict"], small["verdict"], few["verdict"]) == ("noise", "negligible", "too few rounds")


async def test_both_sides_are_run_in_turns_with_the_order_changing(bench):
    async with bench.server("heldout-eval") as server:
        sides = {side: f"printf {side} >> order; echo 1" for side in "ab"}
        await server.call("compare", **sides, score="stdout", rounds=4)
    assert (bench.workspace / "order").read_text() == "abbaabba"


async def test_scores_that_may_be_negative_are_compared_by_difference(bench):
    async with bench.server("heldout-eval") as server:
        found = (await server.call("compare", a="echo -5", b="echo -7", score="stdout", rounds=3)).value
    assert (found["difference_b_minus_a"], found["verdict"]) == (-2, "b is better")


# ---- dev and final


async def evaluate(server, candidate, dev, final=None):
    for mode, value in (("dev", dev), ("final", final)):
        if value is not None:
            await server.call(
                "evaluate", evaluation="e", mode=mode, candidate=candidate, command=f"cat {mode}.txt", score="stdout"
            )


async def test_the_report_warns_where_a_gain_in_dev_does_not_carry_over(bench):
    async with bench.server("heldout-eval") as server:
        for candidate, dev, final in (("baseline", 100, 100), ("honest", 90, 91), ("fitted", 50, 99)):
            for mode, value in (("dev", dev), ("final", final)):
                (bench.workspace / f"{mode}.txt").write_text(f"{value}\n")
            await evaluate(server, candidate, dev, final)
        report = (await server.call("report", evaluation="e")).value
    assert report["best"] == {"dev": "fitted", "final": "honest"}
    assert report["final_looks"] == 3
    assert any("'fitted' gains 50.0% in dev and 1.0% in final" in note for note in report["notes"])
    assert not any("'honest' gains" in note for note in report["notes"])


async def test_looks_at_the_final_cases_are_counted_and_too_many_are_told(bench):
    async with bench.server("heldout-eval") as server:
        final = {"evaluation": "e", "mode": "final", "command": "echo 1", "score": "stdout", "repeats": 1}
        looks = [(await server.call("evaluate", candidate=str(n), **final)).value for n in range(11)]
    assert [a["final_looks"] for a in looks] == list(range(1, 12))
    assert "less held out" in looks[0]["note"]
    assert "they have become dev cases" in looks[10]["note"]


async def test_a_failed_evaluation_is_not_recorded(bench):
    async with bench.server("heldout-eval") as server:
        await evaluate(server, "none", 1)  # there is no dev.txt
        assert "nothing is recorded" in (await server.call("report", evaluation="e")).complaint


# ---- statistics, against another implementation


def test_students_t_agrees_with_scipy(module):
    from scipy.stats import t

    robust = module("heldout-eval", "robust")
    for freedom in (1, 2, 2.7, 5, 10, 30, 100, 999):
        for p in (0.9, 0.975, 0.995, 0.9995):
            assert robust.t_quantile(p, freedom) == pytest.approx(t.ppf(p, freedom), rel=2e-5)


def test_welch_and_the_sign_flip_test_agree_with_scipy(module):
    from scipy.stats import permutation_test, ttest_ind

    robust, sampling = module("heldout-eval", "robust"), module("heldout-eval", "sampling")
    rng = random.Random(5)
    a, b = [rng.gauss(10, 1) for _ in range(7)], [rng.gauss(11, 3) for _ in range(9)]
    wanted = ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    found = robust.difference_interval(a, b)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=1e-4)
    steps = [rng.gauss(0.6, 1) for _ in range(8)]
    exact = permutation_test((steps,), lambda x: sum(x), permutation_type="samples", n_resamples=10_000)
    assert sampling.sign_flip(steps) == pytest.approx(exact.pvalue, abs=1e-4)


def test_intervals_hold_what_they_promise_at_small_numbers(module):
    robust = module("heldout-eval", "robust")
    rng = random.Random(11)
    held = 0
    for _ in range(600):
        interval = robust.mean_interval([rng.gauss(50, 8) for _ in range(5)])
        held += interval.low <= 50 <= interval.high
    assert 0.92 <= held / 600 <= 0.98


def test_a_callgrind_profile_is_read_with_callees_left_to_themselves(module):
    callgrind = module("heldout-eval", "callgrind")
    profile = "\n".join(
        ["events: Ir", "fn=(1) main", "10 100", "+3 20", "cfn=(2) work", "calls=5 40", "14 5000", "* 7", "", "fn=(2)",
         "40 4900", "0x1f 100", "totals: 5127"]
    )  # fmt: skip
    count = callgrind.parse(profile)
    assert count.instructions == 5127
    assert dict(count.functions) == {"main": 127, "work": 5000}
