"""Any program as an agent: what its words may hold, and what it is given."""

import json
from dataclasses import replace

import pytest

from harnessgym_mcp.agents.agent import Context, Entry, Prompt
from harnessgym_mcp.agents.command import Command
from harnessgym_mcp.core.policy import Agents
from harnessgym_mcp.errors import StateError, UsageError

TELL = ("/bin/sh", "-c", 'printf "%s\\n" "$@"', "sh")


@pytest.fixture
def context(tmp_path) -> Context:
    (tmp_path / "ws").mkdir()
    return Context(tmp_path / "ws", tmp_path / "turn", 30, model="m-1", rules=Agents(settle=0.1, grace=0.2))


async def test_its_words_are_filled_in_and_other_braces_left(context, tmp_path):
    words = ("{workspace}", "{model}", "--config={mcp_config}", "{prompt_file}", "{other} {}", "{transcripts}")
    turn = await Command((*TELL, *words)).attempt(Prompt("hello"), context)
    said = turn.transcripts.stdout.read_text().splitlines()
    assert said == [
        str(tmp_path / "ws"),
        "m-1",
        f"--config={tmp_path}/turn/mcp.json",
        str(turn.transcripts.prompt),
        "{other} {}",
        str(tmp_path / "turn"),
    ]


async def test_a_workspace_whose_name_looks_like_a_placeholder_is_not_filled_in_again(context, tmp_path):
    odd = tmp_path / "{model}"
    odd.mkdir()
    turn = await Command((*TELL, "{workspace}")).attempt(Prompt("x"), replace(context, workspace=odd))
    assert turn.message == str(odd)


async def test_with_a_prompt_file_stdin_is_empty(context):
    turn = await Command(("/bin/sh", "-c", 'cat; cat "$1"', "sh", "{prompt_file}")).attempt(Prompt("once"), context)
    assert turn.transcripts.stdout.read_text() == "once"


async def test_the_entry_is_in_the_configuration_file_and_absent_without_one(context):
    agent = Command(("/bin/sh", "-c", 'cat "$HARNESSGYM_MCP_CONFIG"'))
    turn = await agent.attempt(Prompt("x"), replace(context, entry=Entry(("/bin/server", "a b"), {"K": "v"})))
    server = json.loads(turn.transcripts.stdout.read_text())["mcpServers"]["harnessgym"]
    assert [server["command"], *server["args"]][-2:] == ["/bin/server", "a b"]
    assert server["env"] == {"K": "v"}
    plain = await agent.attempt(Prompt("x"), context)
    assert json.loads(plain.transcripts.stdout.read_text()) == {"mcpServers": {}}


async def test_it_may_name_its_session_itself(context):
    line = '{"type": "harnessgym.session", "id": "mine", "model": "big"}'
    turn = await Command(("/bin/echo", line), (*TELL, "{session_id}")).attempt(Prompt("x"), context)
    assert (turn.session_id, turn.model) == ("mine", "big")


async def test_resuming_without_a_command_for_it_is_wrong_use(context):
    with pytest.raises(UsageError, match="cannot resume"):
        await Command(("/bin/true",)).resume("x", Prompt("x"), context)


async def test_an_empty_command_is_wrong_use(context):
    with pytest.raises(UsageError, match="empty"):
        await Command(()).attempt(Prompt("x"), context)


@pytest.mark.parametrize("amount", ["-1", "true", '"a"', "1e999", "NaN"])
async def test_amounts_that_are_none_are_not_counted(context, amount):
    line = f'{{"type": "harnessgym.usage", "input": {amount}, "cost_usd": {amount}}}'
    turn = await Command(("/bin/echo", line)).attempt(Prompt("x"), context)
    assert turn.cost_usd is None
    assert turn.usage is None or turn.usage.input == 0


async def test_hostile_output_is_cleaned_in_the_message(context):
    turn = await Command(("/usr/bin/printf", r"\033[31mred\033[0m\a\u202e\n")).attempt(Prompt("x"), context)
    assert turn.message == "red\ufffd"


async def test_transcripts_that_cannot_be_kept_are_told_without_a_traceback(context, tmp_path):
    (tmp_path / "turn").write_text("a file is in the way")
    with pytest.raises(StateError, match="cannot keep transcripts") as raised:
        await Command(("/bin/true",)).attempt(Prompt("x"), replace(context, transcripts=tmp_path / "turn" / "1"))
    assert raised.value.hint


async def test_a_workspace_that_is_missing_never_starts(context, tmp_path):
    turn = await Command(("/bin/true",)).attempt(Prompt("x"), replace(context, workspace=tmp_path / "none"))
    assert (turn.status, turn.cause) == ("not_started", "start")
    assert "none" in turn.problem


async def test_a_turn_whose_supervisor_was_killed_is_lost_not_the_agents_failure(context):
    turn = await Command(("/bin/sh", "-c", "kill -KILL $PPID; sleep 600")).attempt(Prompt("x"), context)
    assert (turn.status, turn.cause) == ("failed", "lost")
    assert turn.seconds > 0
