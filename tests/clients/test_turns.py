"""The real clients, driven by our agents, against a scripted model: what a Turn tells is what happened."""

import hashlib
import json
import os
import select
import threading
from dataclasses import replace

import pytest
from scripted_model import Answer, Call

from harnessgym_mcp.agents.agent import Entry, Usage

pytestmark = pytest.mark.client

FIRST = Answer("Trying.", [Call("echo", {"value": "a"}), Call("fail")], tokens=(1000, 20))
SECOND = Answer("", [Call("echo", {"value": "b"})], tokens=(1100, 10))
LAST = Answer("All done.", tokens=(1200, 5))


def gone(pid: int) -> bool:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], 0)[0])
    finally:
        os.close(fd)


async def test_a_turn_tells_its_calls_tokens_session_and_last_words(bench):
    bench.answers(FIRST, SECOND, LAST)
    turn = await bench.attempt()
    assert (turn.status, turn.problem) == ("ok", "")
    assert turn.message == "All done."
    assert bench.model.missing == []
    assert turn.calls("harnessgym") == {"echo": 2, "fail": 1}
    assert {u.tool: u.errors for u in turn.tools} == {"echo": 0, "fail": 1}
    assert sorted(c["name"] for c in bench.calls()) == ["echo", "echo", "fail"]
    assert turn.usage == Usage(input=3300, output=35)
    assert turn.session_id
    assert turn.model
    assert not [note for note in turn.notes if "Under-development" in note]
    if bench.kind == "claude":
        assert turn.cost_usd is not None
        assert turn.cost_usd > 0
    assert all(gone(p["pid"]) for p in bench.processes())


async def test_a_prompt_of_a_megabyte_reaches_the_model(bench):
    prompt = "".join(hashlib.sha256(str(n).encode()).hexdigest() + "\n" for n in range(15_500))
    bench.answers(LAST)
    turn = await bench.attempt(prompt)
    assert (turn.status, turn.problem) == ("ok", "")
    assert 1_000_000 < len(prompt) < 1_048_576  # Codex itself takes no more
    assert prompt.strip() in bench.model.requests[0].text


async def test_a_resumed_turn_remembers_and_counts_itself_alone(bench):
    bench.answers(FIRST, LAST)
    first = await bench.attempt("The word is xylophone.")
    bench.answers(SECOND, LAST)
    second = await bench.resume(first.session_id, "What was the word?")
    assert (second.status, second.session_id) == ("ok", first.session_id)
    asked = bench.model.requests[-1].text
    assert "xylophone" in asked
    assert "What was the word?" in asked
    assert first.usage == Usage(input=2200, output=25)
    assert second.usage == Usage(input=2300, output=15)
    assert second.calls("harnessgym") == {"echo": 1}
    if bench.kind == "claude":
        assert second.cost_usd == pytest.approx(first.cost_usd, rel=0.5)


async def test_an_unknown_session_is_a_failed_turn(bench):
    turn = await bench.resume("11111111-2222-3333-4444-555555555555")
    assert turn.status == "failed"
    assert "11111111-2222-3333-4444-555555555555" in turn.problem
    assert bench.model.requests == []


async def test_a_model_that_hangs_is_timed_out_with_what_was_done_and_no_process_left(bench):
    bench.answers(FIRST, Answer(hold=threading.Event()))
    turn = await bench.attempt(timeout=8)
    assert (turn.status, turn.cause) == ("timed_out", "timeout")
    assert turn.calls("harnessgym") == {"echo": 1, "fail": 1}
    assert turn.session_id
    assert turn.usage is not None
    assert turn.usage.input >= 1000
    assert bench.processes()
    assert all(gone(p["pid"]) for p in bench.processes())
    bench.model.turns[-1].hold.set()
    bench.answers(SECOND, LAST)
    later = await bench.resume(turn.session_id, "What have you done?")
    assert (later.status, later.session_id) == ("ok", turn.session_id)
    assert '"value": "a"' in "\n".join(bench.model.requests[-1].results)
    assert later.usage == Usage(input=2300, output=15)


async def test_a_model_that_refuses_is_told_apart_from_an_agent_that_fails(bench):
    bench.model.default = Answer(status=401)
    turn = await bench.attempt(timeout=8 if bench.kind == "claude" else 60)
    assert turn.status == ("timed_out" if bench.kind == "claude" else "failed")  # Claude tries again for minutes
    assert turn.cause == "model"
    assert "401" in turn.problem


async def test_without_an_entry_no_mcp_tool_is_offered_whatever_the_user_has_configured(bench):
    server = {"command": bench.context.entry.command[0], "args": list(bench.context.entry.command[1:])}
    home = bench.context.workspace.parent / "home"
    (bench.context.workspace / ".mcp.json").write_text(json.dumps({"mcpServers": {"harnessgym": server}}))
    command, args = json.dumps(server["command"]), json.dumps(server["args"])
    with (home / ".codex" / "config.toml").open("a") as config:
        config.write(f"[mcp_servers.harnessgym]\ncommand = {command}\nargs = {args}\n")
    bench.answers(LAST)
    turn = await bench.attempt(entry=None)
    assert (turn.status, turn.problem) == ("ok", "")
    assert not [name for name in bench.model.requests[0].tools if "harnessgym" in name]
    assert bench.processes() == []


async def test_an_entry_that_does_not_start_is_told(bench):
    bench.answers(LAST)
    turn = await bench.attempt(entry=Entry(("/no/such/server",)))
    if bench.kind == "codex":
        assert turn.status == "failed"
        assert "harnessgym" in turn.problem
    else:
        assert "the MCP entry was not connected: failed" in turn.notes


async def test_a_tool_that_appears_can_be_called_in_the_same_turn(bench):
    pause = threading.Event()
    threading.Timer(1.5, pause.set).start()  # a model's thinking time; Claude lists again at most once a second
    bench.answers(
        Answer(calls=[Call("grow")]),
        Answer("Looking.", [Call("echo", {"value": "x"})], hold=pause),
        Answer(calls=[Call("grown.tool")]),
        LAST,
    )
    turn = await bench.attempt()
    assert (turn.status, bench.model.missing) == ("ok", [])
    assert turn.calls("harnessgym") == {"grow": 1, "echo": 1, "grown.tool": 1}


async def test_codex_passes_over_a_change_that_it_was_not_told_to_follow(bench):
    if bench.kind == "claude":
        pytest.skip("Claude Code always follows changes")
    bench.agent = replace(bench.agent, list_changed=False)
    bench.answers(Answer(calls=[Call("grow")]), Answer(calls=[Call("grown.tool")]), LAST)
    await bench.attempt()
    assert bench.model.missing == ["grown.tool"]


async def test_it_may_run_commands_in_the_workspace_without_asking(bench):
    tool = "Bash" if bench.kind == "claude" else "exec_command"
    key = "command" if bench.kind == "claude" else "cmd"
    bench.answers(Answer(calls=[Call(tool, {key: "echo made > made.txt"})]), LAST)
    turn = await bench.attempt()
    assert (turn.status, bench.model.missing) == ("ok", [])
    assert (bench.context.workspace / "made.txt").read_text() == "made\n"
    assert [u.calls for u in turn.tools if u.server == ""] == [1]


async def test_a_budget_that_runs_out_is_told(bench):
    if bench.kind == "codex":
        pytest.skip("Codex knows no limit in money")
    bench.answers(*[Answer(calls=[Call("echo", {"value": str(n)})], tokens=(20_000, 100)) for n in range(20)])
    turn = await bench.attempt(budget_usd=0.2)
    assert (turn.status, turn.cause) == ("failed", "budget")
    spent = bench.model.spent
    assert turn.usage == Usage(input=spent[0], output=spent[1])


async def test_its_version_is_told(bench):
    identity = await bench.agent.identify()
    assert identity.problem == ""
    assert any(c.isdigit() for c in identity.version)
