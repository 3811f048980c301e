"""`harnessgym compare` with the real clients: one pair of trials, the tool called in the harnessed one alone."""

import sys
from pathlib import Path

import pytest
from scripted_model import Answer, Call

sys.path.insert(0, str(Path(__file__).parents[1] / "compare"))

from compare_bench import TOOL, Done, Here, new_bench

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.trials import plan as trials_of
from harnessgym_mcp.gym.compare import carry_out

pytestmark = [pytest.mark.client, pytest.mark.timeout(600)]

ARGUMENTS = {"command": ["python3", "cost.py", "{x}", "{y}"], "grid": {"x": [5, 7], "y": [1, 3]}}


def writes(bench, plan: str) -> Call:
    command = f"echo '{plan}' > plan.json"
    if bench.kind == "claude":
        return Call("Bash", {"command": command, "description": "write the plan"})
    return Call("exec_command", {"cmd": command})


async def test_a_pair_of_trials_with_and_without_the_tool(bench, tmp_path):
    spec = AgentSpec(kind=bench.kind, program=bench.agent.program)
    if bench.kind == "codex":
        spec = AgentSpec(kind="codex", program=bench.agent.program, sandbox="danger-full-access")
    place = new_bench(tmp_path / "place", tmp_path / "state")
    files, plan = await place.planned(place.request(agent=spec, model=bench.context.model, require_tool_use=True))
    turns = {
        "plain": [Answer("", [writes(bench, '{"x": 9, "y": 3}')]), Answer("By hand.")],
        "harnessed": [
            Answer("", [Call(TOOL, ARGUMENTS)]),
            Answer("", [writes(bench, '{"x": 7, "y": 3}')]),
            Answer("With the tool."),
        ],
    }
    for trial in trials_of(plan.design):
        bench.answers(*turns[trial.arm])
    done = Done(files, plan, await carry_out(files, plan, Here(files, place.state)))
    assert bench.model.missing == []
    plain, harnessed = done.outcome("plain"), done.outcome("harnessed")
    assert [(o.cause, o.message, o.changed) for o in (plain, harnessed)] == [("", "", True)] * 2
    assert (plain.score, harnessed.score) == (14, 10)
    assert (plain.offered, plain.calls) == (0, [])
    assert [(c.tool, c.status, c.edit_after) for c in harnessed.calls] == [(TOOL, "completed", True)]
    assert done.judged("harnessed").valid
    assert not harnessed.scripted
    assert harnessed.hashes["model"] == plain.hashes["model"] != ""
    assert harnessed.usage.tokens
    assert not done.caution("drift")
