"""The whole loop with a script in the agent's place: a real server, a real clean room, real scores."""

import json
import sys
from pathlib import Path

import pytest
from run_bench import BAD, BUILD, BY_HAND, REFLECT, VERIFY, WHOLE, answer, shell, submit

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.run_report import report_schema
from harnessgym_mcp.errors import LockedError, StateError, UsageError
from harnessgym_mcp.gym.phases import AgentMissing
from harnessgym_mcp.gym.run import new_run
from harnessgym_mcp.gym.run_settings import Budgets, check_run_id
from harnessgym_mcp.gym.scoring import Scorer


async def test_a_tool_built_in_one_iteration_solves_the_next(place):
    report = await place.run(place.script(*WHOLE), rules={"stop_score": 42.0})
    assert (report.status, report.exit_code) == ("solved", 0)
    first, second = report.iterations
    assert [t.status for t in (first.attempt, first.reflect, first.build)] == ["ok", "ok", "ok"]
    assert first.attempt.session_id == first.reflect.session_id == first.build.session_id != second.attempt.session_id
    assert (first.score.score, second.score.score) == (3.0, 42.0)
    assert (first.built.name, first.built.state, first.built.submissions) == ("adder", "qualified", 2)
    assert first.built.rejections == [["footprint.stray-stdout"]]
    assert (first.offered, second.offered) == ([], ["adder__add"])
    assert second.build is None
    assert [(c.tool, c.calls, c.completed) for c in report.tools] == [("adder__add", 2, 2)]
    assert (report.totals.calls, report.totals.interrupted_calls, report.never_used) == (2, 0, [])
    kept = json.loads((place.home.runs / "r1" / "report.json").read_text())
    assert (kept["schema"], kept["finding"]) == ("harnessgym/run/1", report.finding)


async def test_a_timed_out_attempt_is_scored_and_told(place):
    agent = shell("""echo '{"value": 7}' > answer.json; sleep 1000""")
    budgets = Budgets(attempt=[4.0], reflect=[60.0], build=[60.0])
    report = await place.run(agent=agent, rules={"iterations": 1, "stop_score": 9.0}, budgets=budgets)
    only = report.iterations[0]
    assert (only.attempt.status, only.score.score) == ("timed_out", 7.0)
    assert (report.status, report.exit_code, report.totals.timed_out) == ("not solved", 13, 1)


async def test_what_is_no_number_solves_nothing(place):
    agent = shell("""case $HARNESSGYM_ITERATION in 1) v=NaN;; 2) v=true;; *) v='"much"';; esac
    echo "{\\"value\\": $v}" > answer.json""")
    report = await place.run(agent=agent, rules={"iterations": 3})
    assert (report.status, report.scores.best) == ("not solved", None)
    assert [i.score.cause for i in report.iterations] == ["verifier_output"] * 3


async def test_an_artifact_without_a_repair_left_is_quarantined_and_hidden_from_the_next_attempt(place):
    build = {"phase": "build", "steps": [submit(BAD, "rejected")] * 3}
    checked = {"phase": "attempt", "iteration": 2, "steps": [{"tools": {"lacks": ["adder__add"]}}, answer(5)]}
    report = await place.run(place.script(BY_HAND, checked, REFLECT, build), rules={"stop_score": 5.0})
    built = report.iterations[0].built
    assert (built.state, built.submissions, built.reason) == ("quarantined", 3, "footprint.stray-stdout")
    assert [b.name for b in report.quarantined] == ["adder"]
    assert (report.iterations[1].offered, report.status) == ([], "solved")


async def test_a_slot_that_is_left_open_is_abandoned_and_told(place):
    report = await place.run(place.script(BY_HAND, REFLECT), rules={"iterations": 1, "stop_score": 5.0})
    assert [(b.name, b.state) for b in report.abandoned] == [("adder", "abandoned")]
    assert report.iterations[0].built.reason == "the build ended without it"


async def test_a_solved_run_builds_once_more_when_it_shall_and_tells_what_nobody_used(place):
    report = await place.run(place.script(BY_HAND, REFLECT, BUILD), rules={"build_after_solve": True})
    assert (report.status, len(report.iterations)) == ("solved", 1)
    assert report.iterations[0].built.state == "qualified"
    assert report.never_used == ["adder__add"]


OPTIMISING = """
cat answer.json > seen-$HARNESSGYM_ITERATION.txt
case $HARNESSGYM_ITERATION in
  1) echo '{"value": 8}' > answer.json; printf 'by 1' > made.txt ;;
  2) printf broken > answer.json; rm lib.so ;;
  3) echo '{"value": 9}' > answer.json; printf 'by 3' > late.txt ;;
esac
"""


@pytest.mark.parametrize(("state", "found"), [("continue", "broken"), ("reset", '{"value": 10}')])
async def test_an_optimisation_ends_with_its_best_state_checked_again(place, state, found):
    (place.workspace / "lib.so").write_text("shipped")
    rules = {"iterations": 3, "optimize": True, "direction": "lower"}
    (place.workspace / "answer.json").write_text('{"value": 10}')
    report = await place.run(agent=shell(OPTIMISING), rules=rules, task_state=state)
    assert (report.status, report.exit_code) == ("improved", 0)
    assert (report.scores.baseline, report.scores.best, report.scores.best_iteration) == (10.0, 8.0, 1)
    assert report.scores.gain == 2.0
    assert [i.score.score for i in report.iterations] == [8.0, None, 9.0]
    assert report.restored.check.score == 8.0
    assert place.files() == {
        "answer.json": '{"value": 8}\n',
        "lib.so": "shipped",
        "made.txt": "by 1",
        "seen-1.txt": '{"value": 10}',
        "verify.py": VERIFY,
    }
    kept = place.home.runs / "r1" / "aside" / "restore-1"
    assert (kept / "late.txt").read_text() == "by 3"
    assert (kept / "seen-3.txt").read_text() == found
    assert "late.txt" in report.restored.aside


async def test_an_optimisation_without_gain_gives_the_untouched_workspace_back(place):
    agent = shell("""echo '{"value": 0}' > answer.json""")
    report = await place.run(agent=agent, rules={"iterations": 1, "optimize": True})
    assert (report.status, report.exit_code, report.improved) == ("not improved", 13, False)
    assert json.loads(place.files()["answer.json"]) == {"value": 1}


async def test_held_out_files_check_a_copy_and_never_reach_the_workspace(place):
    held = place.folder / "held"
    held.mkdir()
    (held / "cases.json").write_text("[42]")
    (held / "verify.py").write_text(
        VERIFY + "assert json.load(open('cases.json')) == [42] and pathlib.Path('made').exists()\n"
        "pathlib.Path('answer.json').write_text('spoilt')\n"
    )
    agent = shell("""echo 'print({"value": 1e9})' > verify.py; echo '{"value": 4}' > answer.json; touch made""")
    scorer = Scorer(command=f"{sys.executable} verify.py", seconds=30.0, key="value", held_out=str(held))
    report = await place.run(agent=agent, rules={"iterations": 1, "stop_score": 4.0}, scorer=scorer)
    assert (report.status, report.scores.best, report.scores.held_out) == ("solved", 4.0, True)
    assert "cases.json" not in place.files()
    assert json.loads(place.files()["answer.json"]) == {"value": 4}


@pytest.mark.parametrize("deed", ["echo '[1]' > {held}/cases.json", "rm -r {held}", "touch {held}/more"])
async def test_held_out_files_that_an_attempt_has_changed_score_nothing(place, deed):
    held = place.folder / "held"
    held.mkdir()
    (held / "cases.json").write_text("[42]")
    scorer = Scorer(command="echo '{\"value\": 4}'", seconds=30.0, key="value", held_out=str(held))
    with pytest.raises(StateError, match="are not what they were when the run began"):
        await place.run(agent=shell(deed.format(held=held)), rules={"iterations": 1}, scorer=scorer)


async def test_without_a_score_command_nothing_is_claimed(place):
    report = await place.run(agent=shell("true"), rules={"iterations": 1, "scored": False}, scorer=None)
    assert (report.status, report.exit_code, report.solved) == ("unverified", 13, False)


async def test_an_agent_that_cannot_be_started_stops_the_run_which_can_go_on_later(place):
    script = place.folder / "later.json"
    with pytest.raises(AgentMissing, match="cannot read the script"):
        await place.run(script, rules={"stop_score": 3.0})
    assert place.kept().phase == "start"
    place.script(BY_HAND).rename(script)
    report = await place.resume()
    assert (report.status, report.interrupted) == ("solved", 1)
    assert await place.resume() == report


async def test_an_agent_without_sessions_attempts_but_builds_nothing(place):
    agent = shell("""echo '{"value": 6}' > answer.json""")
    report = await place.run(agent=agent, rules={"iterations": 1, "stop_score": 7.0})
    only = report.iterations[0]
    assert (only.attempt.status, only.score.score) == ("ok", 6.0)
    assert [(t.status, t.problem) for t in (only.reflect, only.build)] == [
        ("skipped", "this agent command cannot resume a session")
    ] * 2


async def test_two_processes_cannot_drive_one_run(place):
    runner = new_run(place.home, place.policy, "r1", place.settings(agent=shell("true")))
    with runner.world.folder.driving(), pytest.raises(LockedError, match="another process"):
        await place.resume()


async def test_budgets_are_taken_in_turn_and_the_last_one_stays():
    budgets = Budgets(attempt=[3.0, 2.0], reflect=[1.0], build=[1.0])
    assert [budgets.of("attempt", n) for n in (1, 2, 3)] == [3.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "changes",
    [
        {"task": " \n"},
        {"rules": {"iterations": 0}},
        {"rules": {"stop_score": float("nan")}},
        {"budget_usd": 0.0},
        {"scorer": None, "rules": {"optimize": True}},
        {"scorer": None, "rules": {"stop_score": 1.0}},
        {"agent": AgentSpec(kind="nobody")},
    ],
)
async def test_a_run_that_cannot_be_is_refused_before_anything_is_written(place, changes):
    with pytest.raises(UsageError):
        await place.run(place.script(BY_HAND), **changes)
    assert list(place.home.runs.iterdir()) == []


@pytest.mark.parametrize("id", ["", "../x", "a/b", "a,b", "a=b", ".hidden", "x" * 65, "a..b"])
def test_an_id_that_is_no_folder_and_label_is_refused(id):
    with pytest.raises(UsageError):
        check_run_id(id)


def test_the_documented_schema_is_the_reports_own():
    documented = Path(__file__).parents[2] / "docs" / "schemas" / "run.schema.json"
    assert json.loads(documented.read_text()) == report_schema()
