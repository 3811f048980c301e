"""`harnessgym run` with the real clients: two iterations, a rejection and a repair, and a fresh session with the tool.

The binaries are the real ones; a scripted model makes the choices.
"""

import json
import sys

import pytest
from scripted_model import Answer, Call

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.run_state import Rules
from harnessgym_mcp.gym.run import new_run
from harnessgym_mcp.gym.run_settings import Budgets, RunSettings
from harnessgym_mcp.gym.scoring import Scorer
from harnessgym_mcp.qualify.scaffold import scaffold
from harnessgym_mcp.store.callstats import recent_calls
from harnessgym_mcp.store.home import Home

pytestmark = [pytest.mark.client, pytest.mark.timeout(600)]

SELECTED = {"name": "adder", "kind": "server", "why": "sums were done by hand", "tools": ["add"]}
GOOD = scaffold("adder", tools=["add"])["server.py"]
BAD = GOOD.replace("sys.stdout.flush()", 'sys.stdout.flush(); print("debug", flush=True)')
VERIFY = "import json, pathlib; print(json.dumps({'score': float(pathlib.Path('answer').read_text())}))"


def shell(bench, command: str) -> Call:
    """A call of the client's own shell."""
    if bench.kind == "claude":
        return Call("Bash", {"command": command, "description": "write the answer"})
    return Call("exec_command", {"cmd": command})


def submit(server: str) -> Call:
    return Call("harnessgym.submit_artifact", {"files": {"server.py": server}})


@pytest.fixture
def settings(bench):
    kind = AgentSpec(kind=bench.kind, program=bench.agent.program)
    if bench.kind == "codex":
        kind = AgentSpec(kind="codex", program=bench.agent.program, sandbox="danger-full-access")
    return RunSettings(
        task="Put the sum of 1, 2 and 39 into the file `answer`.",
        agent=kind,
        model=bench.context.model,
        rules=Rules(iterations=2, scored=True, stop_score=42.0),
        budgets=Budgets(attempt=[90.0], reflect=[90.0], build=[120.0]),
        scorer=Scorer(command=f'{sys.executable} -c "{VERIFY}"', seconds=60.0),
    )


async def test_two_iterations_build_repair_and_use_a_tool(bench, settings, tmp_path):
    bench.answers(
        Answer("", [Call("harnessgym.stats"), shell(bench, "echo 41 > answer")]),
        Answer("By hand."),
        Answer("", [Call("harnessgym.reflect", {"outcome": "guessed", "notes": "no way to add"})]),
        Answer("", [Call("harnessgym.reflect", {"selected": SELECTED})]),
        Answer("The slot is open."),
        Answer("", [submit(BAD)]),
        Answer("", [submit(GOOD)]),
        Answer("Built."),
        Answer("", [Call("adder__add", {"values": [1, 2, 39]})]),
        Answer("", [Call("adder__add", {"values": [1, 2]}), shell(bench, "echo 42 > answer")]),
        Answer("With the tool."),
    )
    home = Home.open(bench.context.workspace, state=tmp_path / "state")
    report = await new_run(home, Policy(), "r1", settings).drive()
    assert bench.model.missing == []
    assert (report.status, report.exit_code) == ("solved", 0), report
    first, second = report.iterations
    turns = [first.attempt, first.reflect, first.build, second.attempt]
    assert [(t.status, t.problem) for t in turns] == [("ok", "")] * 4
    assert first.attempt.session_id == first.reflect.session_id == first.build.session_id != second.attempt.session_id
    assert [t.told for t in turns] == [1, 2, 2, 2]
    assert (first.score.score, second.score.score) == (41.0, 42.0)
    assert (first.built.state, first.built.rejections) == ("qualified", [["footprint.stray-stdout"]])
    assert (first.offered, second.offered) == ([], ["adder__add"])
    assert [(c.tool, c.calls, c.completed) for c in report.tools] == [("adder__add", 2, 2)]
    assert (report.totals.calls, report.totals.interrupted_calls) == (2, 0)
    rows = recent_calls(home, 100, origin="agent")
    labels = {"run": "r1", "iteration": "2", "phase": "attempt", "try": "1"}
    assert [(r["tool"], r["status"], json.loads(r["labels"])) for r in rows] == [("add", "completed", labels)] * 2
    assert "By hand" not in "".join(r.text for r in bench.model.requests[-3:]), "a fresh session knows nothing"
