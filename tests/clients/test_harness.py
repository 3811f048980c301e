"""The main job through the real clients: stats, reflect, submit inline, and the new tool in the same session.

The binaries are the real ones; a scripted model makes the choices.
"""

import json
import sys

import pytest
from scripted_model import Answer, Call

from harnessgym_mcp.agents.agent import Entry
from harnessgym_mcp.qualify.scaffold import scaffold

pytestmark = pytest.mark.client

SELECTED = {"name": "adder", "kind": "server", "why": "sums were done by hand", "tools": ["add"]}
ARGUMENTS = {"values": [1, 2, 39]}


@pytest.fixture
def entry(bench, tmp_path):
    state = str(tmp_path / "state")
    where = ["--workspace", str(bench.context.workspace), "--state", state]
    return Entry(command=(sys.executable, "-m", "harnessgym_mcp", "serve", *where))


def submission(mistake: bool) -> dict[str, str]:
    server = scaffold("adder", tools=["add"])["server.py"]
    noise = 'print("debug", flush=True)'
    return {"server.py": server.replace("sys.stdout.flush()", f"sys.stdout.flush(); {noise}") if mistake else server}


async def test_an_agent_builds_a_tool_and_calls_it_in_the_same_session(bench, entry, tmp_path):
    new_tool = Call("adder__add", ARGUMENTS) if bench.kind == "claude" else None
    dispatched = Call("harnessgym.call", {"tool": "adder__add", "arguments": ARGUMENTS})
    bench.answers(
        Answer("Looking.", [Call("harnessgym.stats")]),
        Answer("", [Call("harnessgym.reflect", {"selected": SELECTED})]),
        Answer("", [Call("harnessgym.submit_artifact", {"files": submission(mistake=True)})]),
        Answer("", [Call("harnessgym.submit_artifact", {"files": submission(mistake=False)})]),
        Answer("", [new_tool or dispatched]),
        Answer("Done."),
    )
    turn = await bench.attempt(entry=entry)
    assert (turn.status, turn.problem) == ("ok", "")
    assert bench.model.missing == []
    results = "\n".join(bench.model.requests[-1].results)
    assert '"status":"rejected"' in results.replace("\\", "")
    assert "footprint.stray-stdout" in results
    assert '"status":"qualified"' in results.replace("\\", "")
    assert "mcp__harnessgym__adder__add" in results
    assert "42" in bench.model.requests[-1].results[-1]
    calls = await recorded(bench, tmp_path)
    assert [(c["artifact"], c["tool"], c["status"]) for c in calls] == [("adder", "add", "completed")]
    assert calls[0]["via"] == ("" if bench.kind == "claude" else "call")
    assert calls[0]["session"] == turn.session_id


async def test_a_fresh_session_has_the_tool_from_its_first_list(bench, entry, tmp_path):
    bench.answers(
        Answer("", [Call("harnessgym.reflect", {"selected": SELECTED})]),
        Answer("", [Call("harnessgym.submit_artifact", {"files": submission(mistake=False)})]),
        Answer("Built."),
    )
    first = await bench.attempt(entry=entry)
    bench.answers(Answer("", [Call("adder__add", ARGUMENTS)]), Answer("Used."))
    second = await bench.attempt(entry=entry)
    assert (second.status, second.problem) == ("ok", "")
    assert bench.model.missing == []
    assert second.session_id != first.session_id
    calls = await recorded(bench, tmp_path)
    assert [(c["tool"], c["via"], c["session"]) for c in calls] == [("add", "", second.session_id)]


async def recorded(bench, tmp_path) -> list[dict]:
    import anyio

    where = ["--workspace", str(bench.context.workspace), "--state", str(tmp_path / "state")]
    done = await anyio.run_process([sys.executable, "-m", "harnessgym_mcp", "calls", "--json", *where])
    return json.loads(done.stdout)["calls"]
