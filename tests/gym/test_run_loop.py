"""The whole loop with a script in the agent's place: a real server, a real clean room, real scores."""

import json

from run_bench import WHOLE


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
