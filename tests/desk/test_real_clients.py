"""What `connect` wrote, read by the real Claude Code and Codex: their own list shows it, and a session uses it."""

import json
import os
import subprocess

import pytest
from real_clients import installed
from scripted_model import Answer, Call, ScriptedModel

pytestmark = pytest.mark.client

DEADLINE = 90
PROVIDER = """
model = "unlisted-model"
model_provider = "scripted"
[model_providers.scripted]
name = "Scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_MODEL_KEY"
[analytics]
enabled = false
"""


def play(desk, url: str, *argv: str) -> "subprocess.CompletedProcess[str]":
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(desk.home),
        "SCRIPTED_MODEL_KEY": "sk-dummy-000000000000",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-dummy-000000000000",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return subprocess.run(
        argv, cwd=desk.project, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE
    )


def trust(desk, url: str = "") -> None:
    """What a person answers when the client asks whether the folder is trusted."""
    claude = {"projects": {str(desk.project): {"hasTrustDialogAccepted": True}}}
    (desk.home / ".claude.json").write_text(json.dumps(claude, indent=2))
    (desk.home / ".codex").mkdir()
    said = (PROVIDER.format(url=url) if url else "") + f'\n[projects."{desk.project}"]\ntrust_level = "trusted"\n'
    (desk.home / ".codex" / "config.toml").write_text(said)


@pytest.mark.parametrize("scope", ["project", "user"])
def test_claudes_own_list_shows_it_connected(desk, scope):
    claude = installed("claude")
    if scope == "project":
        trust(desk)
    assert desk.run("connect", "claude", "--scope", scope)[0] == 0
    listed = play(desk, "http://127.0.0.1:9", claude, "mcp", "list")
    line = next(line for line in listed.stdout.splitlines() if line.startswith("harnessgym:"))
    assert line.endswith("Connected"), listed.stdout
    assert desk.run("disconnect", "claude")[0] == 0
    assert "harnessgym:" not in play(desk, "http://127.0.0.1:9", claude, "mcp", "list").stdout


@pytest.mark.parametrize("scope", ["project", "user"])
def test_codexs_own_list_shows_it_enabled(desk, scope):
    codex = installed("codex")
    if scope == "project":
        trust(desk)
    assert desk.run("connect", "codex", "--scope", scope)[0] == 0
    listed = json.loads(play(desk, "http://127.0.0.1:9", codex, "mcp", "list", "--json").stdout)
    entry = next(each for each in listed if each["name"] == "harnessgym")
    assert entry["enabled"] is True
    assert (entry["startup_timeout_sec"], entry["tool_timeout_sec"]) == (30, 300)
    features = play(desk, "http://127.0.0.1:9", codex, "features", "list").stdout
    assert next(line for line in features.splitlines() if "mcp_tool_list_changed" in line).split()[-1] == "true"
    assert desk.run("disconnect", "codex")[0] == 0
    assert json.loads(play(desk, "http://127.0.0.1:9", codex, "mcp", "list", "--json").stdout) == []


@pytest.mark.parametrize("scope", ["project", "user"])
@pytest.mark.parametrize("client", ["claude", "codex"])
def test_a_real_session_calls_a_tool_through_what_connect_wrote(desk, client, scope):
    binary = installed(client)
    desk.submit()
    with ScriptedModel([Answer("I add.", [Call("adder__add", {"values": [20, 22]})]), Answer("Done.")]) as model:
        trust(desk, model.url)
        assert desk.run("connect", client, "--scope", scope)[0] == 0
        words = {
            "claude": ["-p", "Add.", "--output-format", "json"],
            "codex": ["exec", "--json", "--skip-git-repo-check", "Add."],
        }[client]
        done = play(desk, model.url, binary, *words)
    assert model.missing == [], done.stdout + done.stderr
    assert any('"total": 42' in result for result in model.requests[-1].results), done.stdout
    calls = desk.json("calls")[1]["calls"]
    assert [(c["artifact"], c["tool"], c["status"], c["origin"]) for c in calls] == [
        ("adder", "add", "completed", "agent")
    ]
    assert client in calls[0]["client"]
