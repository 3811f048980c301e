"""bench-history: what is kept, what is compared with what, and what is called a change."""

import json
import random

import anyio
import pytest


def runs(base, seed, count=6, noise=0.01):
    rng = random.Random(seed)
    return [base * (1 + rng.uniform(-noise, noise)) for _ in range(count)]


async def record(server, benchmark, *medians, **more):
    for number, base in enumerate(medians):
        assert (await server.call("record", benchmark=benchmark, values=runs(base, number), **more)).value


# ---- through the harness


async def test_a_regression_is_found_in_another_session(harness, folder):
    name = f"bench-{folder}"
    async with harness.session() as call:
        for number in range(5):
            answer = await call(
                "bench-history__record", benchmark=name, values=runs(2.0, number), unit="s", label=f"run-{number}"
            )
            assert answer.value["label"] == f"run-{number}"
    async with harness.session() as call:
        slow = (await call("bench-history__record", benchmark=name, values=runs(2.3, 9), label="slow")).value
        assert slow["against_earlier"]["verdict"] == "regression"
        found = (await call("bench-history__regressions", filter=name)).value["regressions"]
        assert [(r["benchmark"], r["latest"]["label"]) for r in found] == [(name, "slow")]
        assert found[0]["change_percent"] == pytest.approx(15, abs=2)
        compared = (await call("bench-history__compare", benchmark=name, a="run-0", b="slow")).value
    assert (compared["verdict"], compared["same_environment"]) == ("worse", True)


async def test_two_sessions_record_at_the_same_time_and_nothing_is_lost(harness, folder):
    numbers = []

    async def one(session):
        async with harness.session() as call:
            for at in range(10):
                answer = await call("bench-history__record", benchmark=f"both-{folder}", values=[at + 1], label=session)
                numbers.append(answer.value["entry"])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one, "a")
        tasks.start_soon(one, "b")
    assert len(set(numbers)) == 20


# ---- verdicts


@pytest.mark.parametrize(
    ("better", "latest", "verdict"),
    [
        ("lower", 1.2, "regression"),
        ("lower", 0.8, "improvement"),
        ("higher", 0.8, "regression"),
        ("higher", 1.2, "improvement"),
        ("lower", 1.005, "usual"),
    ],
)
async def test_the_latest_is_judged_by_its_own_past(bench, better, latest, verdict):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.002, 0.998, 1.001, better=better)
        found = (await server.call("record", benchmark="b", values=runs(latest, 77))).value
    assert found["against_earlier"]["verdict"] == verdict


async def test_one_odd_entry_of_the_past_does_not_hide_a_regression(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.002, 5.0, 0.998, 1.001)
        found = (await server.call("record", benchmark="b", values=runs(1.2, 3))).value["against_earlier"]
    assert (found["verdict"], found["usual"]) == ("regression", pytest.approx(1.0, abs=0.01))


async def test_what_varies_from_day_to_day_is_no_regression(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.3, 0.8, 1.2, 0.9, 1.1)
        found = (await server.call("record", benchmark="b", values=runs(1.35, 3))).value["against_earlier"]
    assert found["verdict"] == "usual"


async def test_too_short_a_past_is_said_to_be_one(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.0)
        assert (await server.call("record", benchmark="b", values=[9])).value["against_earlier"]["verdict"] == "too few"
        assert (await server.call("regressions")).value["too_few"] == ["b"]


async def test_entries_from_elsewhere_are_left_out_and_comparing_with_them_warns(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.0, 1.0, 1.0, environment={"compiler": "gcc 12"}, label="gcc")
        await record(server, "b", 2.0, environment={"compiler": "clang 14"}, label="clang")
        row = (await server.call("regressions")).value
        assert (row["regressions"], row["too_few"]) == ([], ["b"])
        found = (await server.call("compare", benchmark="b", a="gcc", b="clang")).value
    assert found["same_environment"] is False
    assert "(also)" in found["warning"]


async def test_comparing_says_noise_negligible_or_too_few(bench):
    async with bench.server("bench-history") as server:
        for label, values in {
            "a": [10, 11, 9],
            "b": [10.2, 10.9, 9.3],
            "c": [10.01, 10.01, 10.011],
            "d": [10, 10, 10.001],
            "e": [7],
        }.items():
            await server.call("record", benchmark="b", values=values, label=label)
        verdicts = {
            pair: (await server.call("compare", benchmark="b", a=pair[0], b=pair[1])).value["verdict"]
            for pair in ("ab", "dc", "ae", "ac")
        }
    assert verdicts == {"ab": "noise", "dc": "negligible", "ae": "too few runs", "ac": "noise"}


async def test_entries_are_picked_by_word_number_label_and_best(bench):
    async with bench.server("bench-history") as server:
        for label, value in (("x", 3), ("y", 1), ("x", 2)):
            await server.call("record", benchmark="b", values=[value, value, value], label=label)
        picks = {"first": [1], "previous": [2], "latest": [3], "best": [2], "#1": [1], "x": [1, 3]}
        for word, entries in picks.items():
            found = (await server.call("compare", benchmark="b", a=word, b="latest")).value
            assert found["a"]["entries"] == entries, word
        assert "or a label: x, y" in (await server.call("compare", benchmark="b", a="z")).complaint


# ---- trends


async def test_the_step_in_a_series_is_found_with_its_label(bench):
    async with bench.server("bench-history") as server:
        for number in range(20):
            label = "the-culprit" if number == 12 else f"n{number}"
            await server.call("record", benchmark="b", values=runs(1.0 if number < 12 else 1.3, number), label=label)
        found = (await server.call("trend", benchmark="b")).value
    assert found["direction"] == "worsening"
    assert found["step"]["first_entry_after"]["label"] == "the-culprit"
    assert found["step"]["percent"] == pytest.approx(30, abs=3)
    assert found["step"]["p"] < 0.01


async def test_a_creeping_loss_is_a_trend_and_noise_is_flat(bench):
    async with bench.server("bench-history") as server:
        for number in range(16):
            await server.call("record", benchmark="creeping", values=runs(1 + 0.02 * number, number), better="higher")
            await server.call("record", benchmark="flat", values=runs(1, number))
        creeping, flat = [(await server.call("trend", benchmark=name)).value for name in ("creeping", "flat")]
    assert creeping["direction"] == "improving"
    assert creeping["percent_per_entry"] == pytest.approx(1.8, abs=0.3)
    assert (flat["direction"], flat["step"]) == ("flat", None)


def test_mann_kendall_and_theil_sen_agree_with_scipy(module):
    from scipy.stats import kendalltau, theilslopes

    judging = module("bench-history", "judging")
    rng = random.Random(3)
    values = [10 + 0.1 * n + rng.gauss(0, 0.5) for n in range(30)]
    found = judging.trend(values, True)
    assert found["percent_per_entry"] == pytest.approx(100 * theilslopes(values).slope / sorted(values)[15], rel=0.02)
    assert found["p_mann_kendall"] == pytest.approx(
        kendalltau(range(30), values, method="asymptotic").pvalue, abs=0.005
    )


# ---- the record itself


async def test_a_line_torn_by_a_crash_is_counted_and_costs_no_other(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.0)
    file = bench.data / "history.jsonl"
    file.write_bytes(file.read_bytes() + b'{"benchmark": "b", "val')
    async with bench.server("bench-history") as server:
        assert (await server.call("record", benchmark="b", values=[1])).value["entry"] == 3
        found = (await server.call("benchmarks")).value
    assert (found["damaged_lines"], found["benchmarks"][0]["entries"]) == (1, 3)


async def test_a_retracted_entry_is_out_of_all_answers_and_still_in_the_file(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, 1.0, 1.0, 1.0, 9.0)
        assert len((await server.call("regressions")).value["regressions"]) == 1
        for _ in range(2):
            assert (await server.call("retract", entry=5, why="debug build")).value["retracted"]["entry"] == 5
        assert (await server.call("regressions")).value["regressions"] == []
        assert "names no entry" in (await server.call("compare", benchmark="b", a="#5")).complaint
        assert "the last one is 5" in (await server.call("retract", entry=6, why="x")).complaint
        assert (await server.call("record", benchmark="b", values=[1])).value["entry"] == 6
    lines = [json.loads(line) for line in (bench.data / "history.jsonl").read_text().splitlines()]
    assert [line for line in lines if "retract" in line] == [{"retract": 5, "why": "debug build"}]


async def test_unit_and_direction_stay(bench):
    async with bench.server("bench-history") as server:
        await record(server, "b", 1.0, unit="ms", better="higher")
        assert "another unit 'ms'" in (await server.call("record", benchmark="b", values=[1], unit="s")).complaint
        wrong = await server.call("record", benchmark="b", values=[1], better="lower")
        assert "higher scores are better so far" in wrong.complaint
        row = (await server.call("benchmarks", filter="b")).value["benchmarks"][0]
    assert (row["unit"], row["better"], row["entries"]) == ("ms", "higher", 1)


@pytest.mark.parametrize("packed", [False, True])
async def test_the_commit_is_noted_from_a_checkout_of_either_kind(bench, packed):
    commit, git = "0123456789abcdef" * 2 + "01234567", bench.workspace / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{commit} refs/heads/main\n")
    else:
        (git / "refs" / "heads" / "main").write_text(f"{commit}\n")
    async with bench.server("bench-history") as server:
        assert (await server.call("record", benchmark="b", values=[1, 1, 1])).value["commit"] == commit[:12]
        found = await server.call("compare", benchmark="b", a=commit, b="latest")
    assert found.value["a"]["entries"] == [1]
