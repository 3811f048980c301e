"""What Claude Code is given, and how its stream is read beyond the common contract."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from harnessgym_mcp.agents.agent import Context, Entry, Prompt, ToolUse, Usage
from harnessgym_mcp.agents.claude import Claude, claude_reader
from harnessgym_mcp.agents.tally import Tally
from harnessgym_mcp.core.policy import Agents

ENVIRONMENT = Path(__file__).parent.parent / "servers" / "environment.py"


@pytest.fixture
def claude(bins) -> Claude:
    return Claude(program=str(bins / "claude"))


@pytest.fixture
def context(tmp_path, monkeypatch) -> Context:
    (tmp_path / "ws").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    return Context(tmp_path / "ws", tmp_path / "turn", 30, rules=Agents(settle=0.1, grace=0.2))


def seen(context: Context) -> dict:
    return json.loads((context.workspace / "seen.json").read_text())


def options(argv: list[str]) -> dict[str, str]:
    """Flag -> the word after it."""
    return {word: (argv[at + 1] if at + 1 < len(argv) else "") for at, word in enumerate(argv) if word.startswith("-")}


def read(*events: dict, entry: str = "") -> Tally:
    tally = Tally()
    reader = claude_reader(tally, entry)
    for event in events:
        reader(json.dumps(event).encode())
    return tally


async def test_the_prompt_is_not_among_the_arguments(claude, context):
    await claude.attempt(Prompt("ok secret prompt"), context)
    assert not any("secret prompt" in word for word in seen(context)["argv"])


async def test_model_budget_permissions_and_further_arguments_are_passed(bins, context):
    agent = Claude(str(bins / "claude"), "dontAsk", ("Bash", "Read"), ("--effort", "low"))
    entry = Entry((sys.executable, str(ENVIRONMENT)))
    await agent.attempt(Prompt("ok"), replace(context, model="opus", budget_usd=1.5, entry=entry))
    given = options(seen(context)["argv"])
    assert given["--model"] == "opus"
    assert given["--max-budget-usd"] == "1.5"
    assert given["--permission-mode"] == "dontAsk"
    assert given["--allowedTools"] == "mcp__harnessgym,Bash,Read"
    assert given["--effort"] == "low"
    assert given["--output-format"] == "stream-json"
    assert {"-p", "--verbose", "--strict-mcp-config"} <= set(given)


async def test_without_an_entry_there_is_no_mcp_server_at_all(claude, context):
    await claude.attempt(Prompt("ok"), context)
    given = options(seen(context)["argv"])
    assert "--strict-mcp-config" in given
    assert "--mcp-config" not in given
    assert "mcp__" not in given["--allowedTools"]


async def test_the_entry_starts_without_the_credentials_that_the_agent_has(claude, context, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1")
    monkeypatch.setenv("CLAUDE_CODE_OAUTH_TOKEN", "t")
    entry = Entry((sys.executable, str(ENVIRONMENT)), {"OWN_TOKEN": "kept"})
    await claude.attempt(Prompt("ok"), replace(context, entry=entry))
    config = json.loads(Path(options(seen(context)["argv"])["--mcp-config"]).read_text())
    server = config["mcpServers"]["harnessgym"]
    handed_on = {**seen(context)["env"], **server["env"], "CLAUDE_CODE_MESSAGING_TOKEN": "m"}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "environment", "arguments": {}}}
    argv = [server["command"], *server["args"]]
    told = (await anyio.run_process(argv, env=handed_on, input=json.dumps(ask).encode())).stdout
    inside = json.loads(json.loads(told)["result"]["content"][0]["text"])
    names = set(inside["env"])
    assert "PATH" in names
    assert "OWN_TOKEN" in names
    assert not names & {"ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_MESSAGING_TOKEN"}


async def test_a_clouds_credentials_go_along_only_where_that_cloud_is_used(claude, context, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "p")
    await claude.attempt(Prompt("ok"), context)
    assert "AWS_PROFILE" not in seen(context)["env"]
    monkeypatch.setenv("CLAUDE_CODE_USE_BEDROCK", "1")
    await claude.attempt(Prompt("ok"), context)
    assert seen(context)["env"]["AWS_PROFILE"] == "p"


async def test_it_does_not_update_itself_between_trials(claude, context):
    await claude.attempt(Prompt("ok"), context)
    assert seen(context)["env"]["DISABLE_AUTOUPDATER"] == "1"


async def test_its_version_is_asked_for(claude, context):
    assert (await claude.identify()).version == "2.1.0 (Claude Code)"


def test_a_budget_that_ran_out_is_told_as_such():
    tally = read(
        {
            "type": "result",
            "subtype": "error_max_budget_usd",
            "is_error": True,
            "num_turns": 2,
            "errors": ["Reached maximum budget ($0.06)"],
            "usage": {"input_tokens": 12541, "output_tokens": 20},
            "total_cost_usd": 0.101552,
            "model_usage_since_last_result": {"m": {"inputTokens": 25188, "outputTokens": 40, "costUSD": 0.101552}},
        }
    )
    assert (tally.cause, tally.problem) == ("budget", "Reached maximum budget ($0.06)")
    assert tally.usage == Usage(input=25188, output=40), "the plain `usage` leaves out the last request"


def test_a_model_that_never_answers_is_remembered_until_it_does():
    retry = {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 7,
        "error_status": 401,
        "error": "authentication_failed",
    }
    answer = {"type": "assistant", "message": {"id": "m", "content": [{"type": "text", "text": "here"}]}}
    assert read(retry).trouble == "the model did not answer (401 authentication_failed, retry 7)"
    assert read(retry, answer).trouble == ""


def test_a_turn_without_a_result_counts_the_messages_it_had():
    def message(id, **usage):
        return {"type": "assistant", "message": {"id": id, "content": [], "usage": usage}}

    tally = read(
        message("a", input_tokens=10, cache_read_input_tokens=5, output_tokens=1),
        message("a", input_tokens=10, cache_read_input_tokens=5, output_tokens=1),
        message("b", input_tokens=20, output_tokens=1),
    )
    assert tally.usage == Usage(input=35, cached=5, output=2)
    assert not tally.finished


def test_an_entry_that_did_not_connect_is_noted():
    init = {"type": "system", "subtype": "init", "mcp_servers": [{"name": "harnessgym", "status": "failed"}]}
    assert read(init, entry="harnessgym").notes == ["the MCP entry was not connected: failed"]


def test_refused_tool_calls_are_noted():
    denied = [{"tool_name": "Write"}, {"tool_name": "WebFetch"}, {"tool_name": "Write"}]
    tally = read({"type": "result", "is_error": False, "permission_denials": denied})
    assert tally.notes == ["3 tool calls were not permitted: WebFetch, Write"]


def test_the_servers_own_name_of_a_tool_is_preferred_to_the_shown_one():
    def use(id, name, **more):
        return {
            "type": "assistant",
            "message": {"id": id, "content": [{"type": "tool_use", "id": id, "name": name}]},
            **more,
        }

    tally = read(
        use("1", "mcp__harnessgym__harnessgym_stats", tool_use_meta=[{"id": "1", "tool_name": "harnessgym.stats"}]),
        use("2", "mcp__harnessgym__fft__plan"),
        use("3", "Bash"),
    )
    assert tally.tools == (
        ToolUse("harnessgym", "harnessgym.stats", 1, 0),
        ToolUse("harnessgym", "fft__plan", 1, 0),
        ToolUse("", "Bash", 1, 0),
    )


def test_several_results_of_one_process_add_up():
    def result(tokens, cost):
        used = {"m": {"inputTokens": tokens, "costUSD": cost}}
        return {"type": "result", "is_error": False, "num_turns": 1, "model_usage_since_last_result": used}

    tally = read(result(10, 0.5), result(5, 0.25))
    assert (tally.usage, tally.cost_usd, tally.steps) == (Usage(input=15), 0.75, 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_the_default_permission_mode_is_one_that_root_may_use():
    assert Claude().permission_mode != "bypassPermissions"
