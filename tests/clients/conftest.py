"""Real Claude Code and Codex at a bench: a scripted model on loopback, dummy keys, a home of their own.

The binaries are looked for in $HARNESSGYM_CLIENTS, else ~/.cache/harnessgym-clients, where scripts/install-clients
puts them; without them these tests are skipped.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from real_clients import installed
from scripted_model import Answer, ScriptedModel

from harnessgym_mcp.agents.agent import Agent, Context, Entry, Prompt, Turn
from harnessgym_mcp.agents.claude import Claude
from harnessgym_mcp.agents.codex import Codex
from harnessgym_mcp.core.policy import Agents

HERE = Path(__file__).parent
CODEX_CONFIG = """
model_provider = "scripted"
[model_providers.scripted]
name = "Scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_MODEL_KEY"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
[features]
plugins = false
"""


@dataclass
class Bench:
    """One real client, its model, and the server that keeps what the client sends."""

    kind: str
    agent: Agent
    context: Context
    model: ScriptedModel
    log: Path

    def answers(self, *turns: Any) -> None:
        """What the model will say next."""
        self.model.turns += turns

    async def attempt(self, text: str = "Please do it.", **changes: Any) -> Turn:
        return await self.agent.attempt(Prompt(text), self._context(changes))

    async def resume(self, session_id: str, text: str = "Go on.", **changes: Any) -> Turn:
        return await self.agent.resume(session_id, Prompt(text, "reflect"), self._context(changes))

    def _context(self, changes: dict[str, Any]) -> Context:
        folder = self.context.transcripts / str(len(list(self.context.transcripts.parent.rglob("prompt.md"))))
        return replace(self.context, transcripts=folder, **changes)

    def heard(self) -> list[dict[str, Any]]:
        """All that the server was sent, its own introductions left out."""
        return [line for line in self._lines() if "pid" not in line]

    def processes(self) -> list[dict[str, Any]]:
        """What each server process told of itself."""
        return [line for line in self._lines() if "pid" in line]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def calls(self) -> list[dict[str, Any]]:
        """The params of each tools/call."""
        return [frame["params"] for frame in self.heard() if frame.get("method") == "tools/call"]


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel([], Answer("END")) as running:
        yield running


@pytest.fixture(params=["claude", "codex"])
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: ScriptedModel
) -> Bench:
    program = installed(request.param)
    home, workspace, log = tmp_path / "home", tmp_path / "work", tmp_path / "frames.jsonl"
    (home / ".codex").mkdir(parents=True)
    workspace.mkdir()
    (home / ".codex" / "config.toml").write_text(CODEX_CONFIG.format(url=model.url))
    for name, value in {
        "HOME": str(home),
        "CODEX_HOME": str(home / ".codex"),
        "SCRIPTED_MODEL_KEY": "sk-dummy-000000000000",
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_API_KEY": "sk-ant-dummy-000000000000",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(name, value)
    entry = Entry((sys.executable, str(HERE / "recording_server.py"), str(log)))
    context = Context(workspace, tmp_path / "turns", 60, entry, rules=Agents(settle=1.0, grace=1.0))
    if request.param == "codex":
        context = replace(context, model="unlisted-model")  # offers every MCP tool up front
    agent: Agent = Claude(program) if request.param == "claude" else Codex(program, sandbox="danger-full-access")
    return Bench(request.param, agent, context, model, log)
