"""What Codex is given, and how its stream and its thread records are read beyond the common contract."""

import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from harnessgym_mcp.agents.agent import Context, Entry, Prompt, ToolUse, Usage
from harnessgym_mcp.agents.codex import Codex, codex_reader, toml
from harnessgym_mcp.agents.codex_home import Thread, read_thread
from harnessgym_mcp.agents.tally import Tally
from harnessgym_mcp.core.policy import Agents

ODD = 'a "quoted" \\ path/é\x7f\n🙂'


@pytest.fixture
def codex(bins) -> Codex:
    return Codex(program=str(bins / "codex"))


@pytest.fixture
def context(tmp_path, monkeypatch) -> Context:
    (tmp_path / "ws").mkdir()
    (tmp_path / "codex").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    return Context(tmp_path / "ws", tmp_path / "turn", 30, rules=Agents(settle=0.1, grace=0.2))


def argv(context: Context) -> list[str]:
    return json.loads((context.workspace / "seen.json").read_text())["argv"][1:]


def settings(context: Context) -> dict:
    """All -c settings, read as Codex reads them: dotted key, TOML value."""
    words = argv(context)
    given = [words[at + 1] for at, word in enumerate(words) if word == "-c"]
    return {key: tomllib.loads(f"v = {value}")["v"] for key, _, value in (g.partition("=") for g in given)}


def read(*events: dict) -> Tally:
    tally = Tally()
    reader = codex_reader(tally)
    for event in events:
        reader(json.dumps(event).encode())
    return tally


async def test_a_fresh_session_takes_its_prompt_from_stdin(codex, context):
    await codex.attempt(Prompt("ok"), context)
    assert argv(context)[0] == "exec"
    assert argv(context)[-1] == "-"
    assert {"--json", "--skip-git-repo-check"} <= set(argv(context))


async def test_a_resumed_session_is_named_before_the_prompt(codex, context):
    turn = await codex.attempt(Prompt("ok"), context)
    await codex.resume(turn.session_id, Prompt("ok"), context)
    assert argv(context)[-3:] == ["resume", turn.session_id, "-"]


async def test_the_entry_is_given_as_settings_that_read_back_exactly(codex, context):
    entry = Entry((sys.executable, "-c", ODD), {"A_B": ODD})
    await codex.attempt(Prompt("ok"), replace(context, entry=entry))
    given = settings(context)
    prefix = "mcp_servers.harnessgym."
    assert given[prefix + "command"] == sys.executable
    assert given[prefix + "args"] == ["-c", ODD]
    assert given[prefix + "env"] == {"A_B": ODD}
    assert given[prefix + "required"] is True
    assert given[prefix + "default_tools_approval_mode"] == "approve"
    assert given[prefix + "startup_timeout_sec"] == 30.0
    assert given[prefix + "tool_timeout_sec"] == 300.0


async def test_sandbox_approval_model_and_further_arguments_are_passed(bins, context):
    agent = Codex(str(bins / "codex"), sandbox="read-only", extra_args=("--ephemeral",))
    await agent.attempt(Prompt("ok"), replace(context, model="gpt-test"))
    assert settings(context)["sandbox_mode"] == "read-only"
    assert settings(context)["approval_policy"] == "never"
    assert "--ephemeral" in argv(context)
    assert argv(context)[argv(context).index("-m") + 1] == "gpt-test"


@pytest.mark.parametrize("wanted", [True, False])
async def test_following_list_changes_is_turned_on_when_asked(bins, context, wanted):
    await Codex(str(bins / "codex"), list_changed=wanted).attempt(Prompt("ok"), context)
    assert settings(context).get("features.mcp_tool_list_changed", False) is wanted


async def test_the_users_own_servers_take_no_part(codex, context, tmp_path):
    (tmp_path / "codex" / "config.toml").write_text(
        '[mcp_servers.harnessgym]\ncommand = "old"\n[mcp_servers.other]\ncommand = "x"\n'
    )
    await codex.attempt(Prompt("ok"), context)
    assert settings(context)["mcp_servers.other.enabled"] is False
    assert settings(context)["mcp_servers.harnessgym.enabled"] is False
    await codex.attempt(Prompt("ok"), replace(context, entry=Entry(("/bin/true",))))
    assert settings(context)["mcp_servers.harnessgym.enabled"] is True


async def test_a_configured_providers_key_reaches_codex(codex, context, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_PROVIDER_KEY", "k")
    monkeypatch.setenv("MY_OTHER_KEY", "o")
    (tmp_path / "codex" / "config.toml").write_text('[model_providers.mine]\nenv_key = "MY_PROVIDER_KEY"\n')
    await codex.attempt(Prompt("ok"), context)
    env = json.loads((context.workspace / "seen.json").read_text())["env"]
    assert env["MY_PROVIDER_KEY"] == "k"
    assert "MY_OTHER_KEY" not in env


async def test_a_broken_configuration_is_left_to_codex(codex, context, tmp_path):
    (tmp_path / "codex" / "config.toml").write_bytes(b"[[[\xff")
    assert (await codex.attempt(Prompt("ok"), context)).status == "ok"


async def test_a_budget_in_money_is_said_not_to_bind(codex, context):
    turn = await codex.attempt(Prompt("ok"), replace(context, budget_usd=1.0))
    assert any("budget was not enforced" in note for note in turn.notes)


async def test_a_turn_that_was_ended_still_tells_its_tokens_and_model(codex, context):
    turn = await codex.attempt(Prompt("hang"), replace(context, timeout=1))
    assert turn.status == "timed_out"
    assert turn.usage == Usage(input=150, cached=40, output=7)
    assert turn.model == "gpt-test-1"
    second = await codex.resume(turn.session_id, Prompt("ok"), context)
    assert second.usage == turn.usage


async def test_a_resumed_turn_whose_thread_has_no_readable_record_tells_no_tokens(codex, context, tmp_path):
    turn = await codex.attempt(Prompt("ok"), context)
    (record,) = (tmp_path / "codex").glob("sessions/*/*/*/*.jsonl")
    before = record.read_text()
    record.write_text("")
    assert read_thread(tmp_path / "codex", turn.session_id) == Thread(exists=True)
    record.write_text(before.replace("token_count", "another"))
    assert (await codex.resume(turn.session_id, Prompt("ok"), context)).usage is None


def test_calls_within_code_mode_and_commands_are_counted_by_item():
    def item(kind, id, done, **more):
        return {"type": f"item.{'completed' if done else 'started'}", "item": {"id": id, "type": kind, **more}}

    stats = {"server": "harnessgym", "tool": "harnessgym.stats"}
    tally = read(
        item("mcp_tool_call", "1", False, **stats, status="in_progress"),
        item("mcp_tool_call", "2", False, **stats, status="in_progress"),
        item("mcp_tool_call", "2", True, **stats, status="failed"),
        item("mcp_tool_call", "1", True, **stats, status="completed"),
        item("command_execution", "3", True, status="declined"),
        item("reasoning", "4", True, text="hm"),
        item("todo_list", "5", False),
    )
    assert tally.tools == (ToolUse("harnessgym", "harnessgym.stats", 2, 1), ToolUse("", "command_execution", 1, 1))


def test_a_connection_that_is_tried_again_is_trouble_not_failure():
    retry = {"type": "error", "message": "Reconnecting... 1/5"}
    assert (read(retry).trouble, read(retry).problem) == ("Reconnecting... 1/5", "")
    failed = read(retry, {"type": "turn.failed", "error": {"message": "unexpected status 401"}})
    assert (failed.cause, failed.problem, failed.finished) == ("model", "unexpected status 401", True)


@pytest.mark.parametrize("name", ["../../etc/passwd", "*", "", "x" * 80])
def test_a_thread_id_that_is_none_names_no_file(tmp_path, name):
    assert read_thread(tmp_path, name) == Thread()


def test_values_survive_toml():
    values = {"s": ODD, "n": 1.5, "b": False, "l": ["a", "b"], "d": {"x y": "1"}}
    assert tomllib.loads(f"v = {toml(values)}")["v"] == values


def test_the_record_is_read_where_the_environment_puts_it(tmp_path):
    from harnessgym_mcp.agents.codex_home import codex_home

    assert codex_home({"CODEX_HOME": "/a"}) == Path("/a")
    assert codex_home({"HOME": "/b"}) == Path("/b/.codex")
