"""What every agent keeps, shown on each implementation with a stand-in program that speaks its real event format."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harnessgym_mcp.agents.agent import Agent, Context, Entry, Prompt, ToolUse, Turn, Usage
from harnessgym_mcp.agents.claude import Claude
from harnessgym_mcp.agents.codex import Codex
from harnessgym_mcp.agents.command import Command
from harnessgym_mcp.agents.scripted import Scripted
from harnessgym_mcp.core.policy import Agents

BINS = Path(__file__).parent / "bins"
ECHO = Path(__file__).parent.parent / "servers" / "echo.py"
ENTRY = Entry((sys.executable, str(ECHO)))
SECRETS = {
    "ANTHROPIC_API_KEY": "sk-ant-1",
    "OPENAI_API_KEY": "sk-2",
    "GITHUB_TOKEN": "t",
    "CLAUDE_CODE_SESSION_ID": "outer",
}

AGENTS: dict[str, Callable[[], Agent]] = {
    "claude": lambda: Claude(program=str(BINS / "claude")),
    "codex": lambda: Codex(program=str(BINS / "codex")),
    "scripted": lambda: Scripted(BINS / "play_acts.py"),
    "command": lambda: Command((str(BINS / "plain"),), (str(BINS / "plain"), "{session_id}")),
    "command with a prompt file": lambda: Command(("/bin/sh", "-c", f'"{BINS}/plain" < "$1"', "sh", "{prompt_file}")),
}
TELLS_ITS_END = ("claude", "codex", "scripted")


@dataclass
class Desk:
    """One agent at work in a workspace of its own."""

    kind: str
    agent: Agent
    context: Context

    async def attempt(self, act: str, **changes) -> Turn:
        return await self.agent.attempt(Prompt(act), replace(self.context, **changes))

    def seen(self) -> dict:
        """What the program was given."""
        return json.loads((self.context.workspace / "seen.json").read_text())


@pytest.fixture(params=AGENTS)
def desk(request, tmp_path, monkeypatch) -> Desk:
    workspace = tmp_path / "work space"
    workspace.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    rules = Agents(settle=0.1, grace=0.2)
    context = Context(workspace, tmp_path / "turns" / "1", 30, rules=rules)
    return Desk(request.param, AGENTS[request.param](), context)


async def test_an_agent_says_which_program_it_is(desk):
    identity = await desk.agent.identify()
    assert identity.name == desk.agent.name
    assert identity.problem == ""
    assert Path(identity.program).is_absolute()


async def test_a_turn_tells_its_session_its_message_and_how_long_it_took(desk):
    turn = await desk.attempt("ok")
    assert (turn.status, turn.code, turn.problem, turn.cause) == ("ok", 0, "", "")
    assert turn.session_id
    assert turn.message == "done"
    assert 0 < turn.seconds < 30


async def test_calls_and_failed_calls_are_counted_from_events_once_each(desk):
    turn = await desk.attempt("ok")
    own = "Shell"
    assert turn.tools == (ToolUse("harnessgym", "fft__plan", 2, 1), ToolUse("", own, 1, 0))
    assert turn.calls("harnessgym") == {"fft__plan": 2}


async def test_tokens_and_cost_are_those_of_the_turn(desk):
    turn = await desk.attempt("ok")
    assert turn.usage is not None
    assert (turn.usage.input, turn.usage.cached) in ((155, 40), (150, 40))
    assert turn.cost_usd == (None if desk.kind == "codex" else 0.25)


async def test_prompt_and_output_are_kept_as_files(desk):
    turn = await desk.attempt("ok\nwith a second line")
    assert turn.transcripts.prompt.read_text() == "ok\nwith a second line"
    assert "done" in turn.transcripts.stdout.read_text()
    assert turn.transcripts.stderr.exists()


async def test_a_prompt_of_a_megabyte_arrives_whole(desk):
    prompt = "digest\n" + "é\n" * 400_000
    turn = await desk.attempt(prompt)
    assert turn.message == f"{len(prompt.encode())} {hashlib.sha256(prompt.encode()).hexdigest()}"


async def test_the_program_runs_in_the_workspace(desk):
    await desk.attempt("ok")
    assert desk.seen()["cwd"] == str(desk.context.workspace)


async def test_a_program_that_fails_gives_a_failed_turn_with_its_last_words(desk):
    turn = await desk.attempt("exit 3")
    assert turn.status == "failed"
    assert turn.problem
    if desk.kind != "scripted":
        assert (turn.code, turn.cause, turn.problem) == (3, "exit", "the last words")


async def test_a_failure_that_the_agent_tells_is_told(desk):
    turn = await desk.attempt("refused")
    assert turn.status == "failed"
    assert turn.problem.endswith("the model is out of order")
    assert turn.cause == ("model" if desk.kind in ("claude", "codex") else "agent")


async def test_a_stream_without_its_end_is_a_failure_though_the_exit_code_is_zero(desk):
    if desk.kind not in TELLS_ITS_END:
        pytest.skip("this agent need not say that it has ended")
    turn = await desk.attempt("mute")
    assert turn.status == "failed"
    assert turn.problem


async def test_a_hanging_agent_is_timed_out_and_no_process_is_left(desk, gone, tmp_path):
    marker = tmp_path / "pid"
    turn = await desk.attempt(f"hang {marker}", timeout=2)
    assert (turn.status, turn.cause) == ("timed_out", "timeout")
    assert 2 <= turn.seconds < 3
    assert gone(int(marker.read_text()), 0)
    assert turn.tools == (ToolUse("harnessgym", "fft__plan", 1, 0),)
    assert turn.session_id


async def test_a_daemon_is_ended_with_its_agent_and_told(desk, gone, tmp_path):
    marker = tmp_path / "pid"
    turn = await desk.attempt(f"leave {marker}")
    assert turn.status == "ok"
    assert turn.leftovers == 1
    assert any("still running" in note for note in turn.notes)
    assert gone(int(marker.read_text()), 0)


async def test_a_flood_of_output_is_bounded_and_the_turn_still_read(desk):
    rules = replace(desk.context.rules, transcript_bytes=100_000, line_bytes=50_000)
    turn = await desk.attempt("flood 5000000", rules=rules)
    assert turn.status == "ok"
    assert turn.message == "done"
    assert turn.transcripts.stdout.stat().st_size + turn.transcripts.stderr.stat().st_size < 250_000
    assert any("not in the transcripts" in note for note in turn.notes)


async def test_lines_that_are_no_events_do_not_spoil_the_rest(desk):
    turn = await desk.attempt("garbage")
    assert turn.status == "ok"
    assert turn.calls("harnessgym") == {"fft__plan": 2}
    if desk.kind in ("claude", "codex"):
        assert any("unreadable event" in note for note in turn.notes)


async def test_our_credentials_and_outer_sessions_stay_out_of_the_harness(desk):
    await desk.attempt("ok")
    seen = desk.seen()
    assert "GITHUB_TOKEN" not in seen["env"]
    assert seen["env"].get("CLAUDE_CODE_SESSION_ID") != "outer"
    assert ("ANTHROPIC_API_KEY" in seen["env"]) == (desk.kind == "claude")
    assert ("OPENAI_API_KEY" in seen["env"]) == (desk.kind == "codex")


async def test_with_an_entry_the_turn_goes_the_same_way(desk):
    turn = await desk.attempt("ok", entry=ENTRY)
    assert (turn.status, turn.notes) == ("ok", ("an odd model",) if desk.kind == "codex" else ())


async def test_further_variables_reach_the_agent_when_they_are_named(desk):
    await desk.attempt("ok", keep_env=("GITHUB_*",), env={"EXTRA": "1"})
    assert desk.seen()["env"]["GITHUB_TOKEN"] == "t"
    assert desk.seen()["env"]["EXTRA"] == "1"


async def test_a_resumed_turn_keeps_its_session(desk):
    if desk.kind == "command with a prompt file":
        pytest.skip("no command for resuming is given")
    first = await desk.attempt("ok")
    again = replace(desk.context, transcripts=desk.context.transcripts.parent / "2")
    second = await desk.agent.resume(first.session_id, Prompt("ok", "reflect"), again)
    assert (second.status, second.session_id) == ("ok", first.session_id)
    assert second.usage == first.usage, "usage is that of the turn, not of the session"


async def test_an_unknown_session_is_a_failed_turn(desk):
    if desk.kind == "command with a prompt file":
        pytest.skip("no command for resuming is given")
    turn = await desk.agent.resume("unknown", Prompt("ok"), desk.context)
    assert turn.status == "failed"
    assert turn.problem
    assert turn.usage in (None, Usage())


async def test_a_program_that_is_missing_never_starts(desk, tmp_path):
    missing = {"claude": Claude, "codex": Codex}.get(desk.kind)
    agent = missing(program="/no/such/agent") if missing else Command(("/no/such/agent",))
    turn = await agent.attempt(Prompt("ok"), desk.context)
    assert (turn.status, turn.cause, turn.code) == ("not_started", "start", None)
    assert "/no/such/agent" in turn.problem
    assert (await agent.identify()).problem


async def test_a_lone_surrogate_in_the_prompt_harms_nothing(desk):
    turn = await desk.attempt("ok\n\udce9")
    assert turn.status == "ok"
