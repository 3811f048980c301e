"""What goes wrong in a trial, or with a harness, is reported as what it is."""

import json
from pathlib import Path

import pytest
from compare_bench import SWEEP, TOOL, USES, Bench

from harnessgym_mcp.errors import HarnessGymError, UsageError

WRITES = 'session.write("plan.json", {plan!r})\n'


def writing(plan: str, before: str = "") -> str:
    return (
        f"import asyncio, os, signal\nasync def play(session):\n    {before or 'pass'}\n    {WRITES.format(plan=plan)}"
    )


async def test_a_used_tool_is_counted_and_the_better_score_told(bench: Bench) -> None:
    done = await bench.compared()
    harnessed, plain = done.outcome("harnessed"), done.outcome("plain")
    assert (harnessed.score, harnessed.offered) == (10, 1)
    assert [(c.tool, c.status, c.origin) for c in harnessed.calls] == [(TOOL, "completed", "agent")]
    assert harnessed.calls[0].edit_after is True
    assert plain.score is not None
    assert plain.score > 10
    assert (plain.calls, plain.offered) == ([], 0)
    assert done.model.exit_code == 12
    assert done.model.comparison.judgement.descriptive
    assert done.caution("scripted")
    rows = (done.files.trial("plan.001.harnessed") / "try-1" / "calls.jsonl").read_text().splitlines()
    assert json.loads(rows[0])["tool"] == "sweep"


async def test_an_untouched_arm_breaks_the_claim(bench: Bench) -> None:
    done = await bench.compared("async def play(session):\n    session.say('done')\n")
    assert done.caution("untouched").startswith("breaks: every trial of the arm(s)")
    assert "plain" in done.caution("untouched")
    assert done.outcome("plain").changed is False
    assert {"untouched", "start_score"} <= set(done.judged("plain").flags)


async def test_caches_and_an_agents_own_folders_are_no_change(bench: Bench) -> None:
    done = await bench.compared(
        'async def play(session):\n    session.write(".claude/x", "1")\n    session.write("__pycache__/x.pyc", "1")\n',
        arms="plain,aa",
    )
    assert done.outcome("plain").changed is False


async def test_a_harness_that_nobody_used_breaks_the_claim(bench: Bench) -> None:
    done = await bench.compared(writing('{"x": 7, "y": 3}'))
    assert done.caution("unused").startswith("breaks: no harness tool was called with success")
    assert done.outcome("harnessed").offered == 1
    assert done.judged("harnessed").valid


async def test_a_required_tool_that_was_called_without_success_is_a_failure(bench: Bench) -> None:
    failing = SWEEP.replace("cost.py", "nothing.py")
    calling = f'await session.call("{TOOL}", {failing}, expect_error=True) if session.connected else None'
    done = await bench.compared(writing('{"x": 7, "y": 3}', calling), require_tool_use=True)
    judged = done.judged("harnessed")
    assert (judged.cause, judged.valid, judged.calls, judged.used) == ("tool_unused", False, 1, 0)
    assert done.judged("plain").valid


async def test_a_harness_that_the_agent_never_started_is_inactive(bench: Bench) -> None:
    request = bench.request()
    command = ["/bin/sh", "-c", 'echo \'{"x": 7, "y": 3}\' > plan.json']
    from compare_bench import Done, Here

    from harnessgym_mcp.agents.choose import AgentSpec
    from harnessgym_mcp.gym.compare import carry_out

    request = bench.request(agent=AgentSpec(kind="command", command=command))
    files, plan = await bench.planned(request)
    done = Done(files, plan, await carry_out(files, plan, Here(files, bench.state)))
    assert done.judged("harnessed").cause == "harness_inactive"
    assert done.outcome("harnessed").offered == 0


@pytest.mark.parametrize("arms", ["plain,harnessed", "plain,notes"])
async def test_an_empty_bundle_is_refused_before_any_trial(bench: Bench, tmp_path: Path, arms: str) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UsageError, match="empty"):
        await bench.planned(bench.request(arms=arms, artifacts=tmp_path / "nothing"))
    assert not (tmp_path / "out" / "plan.json").exists()


async def test_a_bundle_of_which_nothing_qualifies_is_an_empty_one(bench: Bench) -> None:
    (bench.artifacts / "plan-sweep" / "server.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(UsageError, match="harnessed arm is empty"):
        await bench.planned(bench.request())


async def test_an_answer_in_the_bundle_is_found_as_text_and_by_trying_it(bench: Bench) -> None:
    shipped = bench.artifacts / "plan-sweep" / "examples" / "good.json"
    shipped.parent.mkdir()
    shipped.write_text('{ "y": 3,\n "x": 7 }')
    done = await bench.compared()
    assert done.caution("leak.answer").startswith("breaks:")
    assert "good.json" in done.caution("leak.answer")
    assert done.caution("leak.fixture").startswith("breaks:")
    assert "scores 10" in done.caution("leak.fixture")


async def test_a_clean_bundle_is_told_to_be_clean(bench: Bench) -> None:
    done = await bench.compared()
    assert (done.model.comparison.audited, done.model.comparison.leaks) == (True, [])


@pytest.mark.parametrize(
    ("score", "says"),
    [("NaN", "not a finite number"), ("true", "not a finite number"), ('"best"', "not a finite number")],
)
async def test_a_score_that_is_no_number_is_a_failure(bench: Bench, score: str, says: str) -> None:
    done = await bench.compared(writing(f'{{"x": 7, "y": 3, "score": {score}}}'), arms="plain,aa")
    outcome, judged = done.outcome("plain"), done.judged("plain")
    assert (outcome.score, outcome.passed, outcome.cause) == (None, False, "verifier_output")
    assert says in outcome.message
    assert (judged.valid, judged.imputed) == (False, True)
    assert "failed attempts in arm plain count as the task's worst value" in done.caution("failed")


async def test_a_failed_verifiers_score_is_no_score(bench: Bench) -> None:
    (bench.final / "verify.py").write_text('import json; print(json.dumps({"status": "failed", "score": 1}))')
    done = await bench.compared(writing("{}"), arms="plain,aa")
    assert (done.outcome("plain").cause, done.outcome("plain").score) == ("verifier_failed", None)


async def test_a_late_agents_result_counts_and_is_flagged(bench: Bench) -> None:
    from harnessgym_mcp.core.trials import Budget

    script = writing('{"x": 7, "y": 3}') + "    await asyncio.Event().wait()\n"
    done = await bench.compared(script, arms="plain,aa", budget=Budget(seconds=3))
    judged = done.judged("plain")
    assert (judged.valid, judged.score, judged.cause) == (True, 10, "agent_timed_out")
    assert "timed_out" in judged.flags


async def test_a_failed_agent_counts_though_its_result_would_pass(bench: Bench) -> None:
    done = await bench.compared(
        writing('{"x": 7, "y": 3}') + "    raise RuntimeError('lost my way')\n", arms="plain,aa"
    )
    assert (done.outcome("plain").cause, done.judged("plain").valid) == ("agent_failed", False)
    assert "lost my way" in done.outcome("plain").message


async def test_an_agent_that_is_not_there_is_told_before_any_trial(bench: Bench) -> None:
    from harnessgym_mcp.agents.choose import AgentSpec

    missing = AgentSpec(kind="claude", program=str(bench.root / "no-such-program"))
    with pytest.raises(HarnessGymError, match="cannot be used"):
        await bench.planned(bench.request(agent=missing, arms="plain,aa"))


async def test_a_score_command_that_is_not_there_is_told_before_any_trial(bench: Bench) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        await bench.planned(bench.request(arms="plain,aa", score_command="no-such-program"))


async def test_another_model_half_way_is_drift(bench: Bench) -> None:
    import msgspec

    from harnessgym_mcp.gym.compare import report_of

    done = await bench.compared(writing('{"x": 7, "y": 3}'), arms="plain,aa", trials=2)
    ids = ["plan.001.plain", "plan.001.aa", "plan.002.plain", "plan.002.aa"]
    for id, model in zip(ids, ("a", "a", "a", "b"), strict=True):
        outcome = done.files.outcome(id)
        assert outcome is not None
        done.files.save_outcome(msgspec.structs.replace(outcome, hashes=outcome.hashes | {"model": model}))
    drift = [c.what for c in report_of(done.files, done.plan).comparison.cautions if c.id == "drift"]
    assert drift == ["the model was not the planned one in some trials: 1 other hash(es) were seen"]


async def test_a_workspace_that_changed_after_planning_is_drift(bench: Bench) -> None:
    from compare_bench import Done, Here

    from harnessgym_mcp.gym.compare import carry_out

    files, plan = await bench.planned(bench.request(USES, arms="plain,aa"))
    (files.input(plan.tasks[0].workspace) / "cost.py").write_text("print(0)\n")
    done = Done(files, plan, await carry_out(files, plan, Here(files, bench.state)))
    assert "the task plan was not the planned one" in done.caution("drift")
