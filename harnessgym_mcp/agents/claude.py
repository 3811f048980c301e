"""Claude Code, headless: `claude -p` with the prompt on stdin and its event stream on stdout.

Measured with 2.1.330: on `--resume`, `total_cost_usd` and `modelUsage` count the whole session, and `usage` leaves out
the last request of a turn that ran out of budget; `model_usage_since_last_result` is exact and this turn's alone. It
retries a model that refuses ten times over several minutes, so a turn may time out without a single answer.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.agent import Context, Entry, Identity, Prompt, Turn, Usage
from harnessgym_mcp.agents.environment import bare_entry
from harnessgym_mcp.agents.tally import Tally, as_cost, as_number, as_text, read_events
from harnessgym_mcp.agents.turns import Launch, environment, find_program, identify, keep_file, take_turn

__all__ = ["Claude", "claude_reader"]

_KEEP = (
    *("ANTHROPIC_*", "CLAUDE_*", "DISABLE_*", "MCP_*", "BASH_*", "API_TIMEOUT_MS", "MAX_THINKING_TOKENS", "IS_SANDBOX"),
)
_CLOUDS = {
    "CLAUDE_CODE_USE_BEDROCK": ("AWS_*",),
    "CLAUDE_CODE_USE_VERTEX": ("GOOGLE_*", "GCLOUD_*", "CLOUD_ML_*", "VERTEX_*"),
}


@dataclass(frozen=True, slots=True)
class Claude:
    """`allowed_tools` are beside the MCP entry's; root may not use the permission mode bypassPermissions."""

    program: str = "claude"
    permission_mode: str = "acceptEdits"
    allowed_tools: tuple[str, ...] = ("Bash",)
    extra_args: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "claude"

    async def identify(self) -> Identity:
        return await identify(self.name, find_program(self.program), _keep())

    async def attempt(self, prompt: Prompt, context: Context) -> Turn:
        return await self._turn("", prompt, context)

    async def resume(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        return await self._turn(session_id, prompt, context)

    async def _turn(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        tally = Tally(session_id=session_id)
        env = {"DISABLE_AUTOUPDATER": "1"} | environment(context, _keep())  # one version for all trials
        env["MCP_TIMEOUT"] = _milliseconds(context.rules.tool_start)
        config = _write_config(context.entry, env, context) if context.entry else None
        argv = [find_program(self.program), *self._arguments(session_id, context, config)]
        entry = context.entry.name if context.entry else ""
        return await take_turn(prompt, context, Launch(argv, env, prompt.encoded), tally, claude_reader(tally, entry))

    def _arguments(self, session_id: str, context: Context, config: Path | None) -> list[str]:
        allowed = (*((f"mcp__{context.entry.name}",) if context.entry else ()), *self.allowed_tools)
        flags = {
            "--resume": session_id,
            "--mcp-config": str(config or ""),
            "--allowedTools": ",".join(allowed),
            "--permission-mode": self.permission_mode,
            "--model": context.model,
            "--max-budget-usd": "" if context.budget_usd is None else f"{context.budget_usd:g}",
        }
        given = [word for flag, value in flags.items() if value for word in (flag, value)]
        return ["-p", "--output-format", "stream-json", "--verbose", "--strict-mcp-config", *given, *self.extra_args]


def _keep() -> tuple[str, ...]:
    """What Claude is configured by; a cloud's credentials only where it is told to use that cloud."""
    return (*_KEEP, *(name for switch, names in _CLOUDS.items() if os.environ.get(switch) for name in names))


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _write_config(entry: Entry, env: Mapping[str, str], context: Context) -> Path:
    command, *args = bare_entry(entry, env)
    timeout = int(context.rules.tool_call * 1000)
    server = {"type": "stdio", "command": command, "args": args, "env": dict(entry.env), "timeout": timeout}
    return keep_file(context, "mcp.json", json.dumps({"mcpServers": {entry.name: server}}, indent=1).encode())


def claude_reader(tally: Tally, entry: str) -> Callable[[bytes], None]:
    """A reader of stream-json lines; `entry` names the MCP server that should be connected."""
    stream = _Stream(tally, entry)
    return read_events(tally, stream.take)


@dataclass(slots=True)
class _Stream:
    tally: Tally
    entry: str
    names: dict[str, tuple[str, str]] = field(default_factory=dict)  # tool use id -> (server, tool)
    spent: dict[str, Usage] = field(default_factory=dict)  # message id -> tokens, for a turn without a result

    def take(self, event: dict[str, Any]) -> None:
        self.tally.session_id = as_text(event.get("session_id")) or self.tally.session_id
        match event.get("type"):
            case "system":
                self._system(event)
            case "assistant":
                self._assistant(event["message"], event.get("tool_use_meta"))
            case "user":
                self._results(event["message"].get("content"))
            case "result":
                self._result(event)

    def _system(self, event: dict[str, Any]) -> None:
        if event.get("subtype") == "init":
            self.tally.model = as_text(event.get("model"))
            states = {s["name"]: as_text(s.get("status")) for s in event.get("mcp_servers") or ()}
            if self.entry and states.get(self.entry) != "connected":
                self.tally.notes.append(f"the MCP entry was not connected: {states.get(self.entry, 'unknown')}")
        elif event.get("subtype") == "api_retry":
            what = f"{event.get('error_status') or ''} {as_text(event.get('error'))}".strip()
            self.tally.trouble = f"the model did not answer ({what}, retry {event.get('attempt')})"

    def _assistant(self, message: dict[str, Any], meta: Any) -> None:
        self.tally.trouble = ""
        real = {m["id"]: as_text(m.get("tool_name")) for m in meta or ()}
        for block in message["content"]:
            if block["type"] == "text":
                self.tally.message = as_text(block["text"])
            elif block["type"] == "tool_use" and block["id"] not in self.names:
                self.names[block["id"]] = _name(as_text(block["name"]), real.get(block["id"], ""))
                self.tally.called(*self.names[block["id"]])
        self.spent[as_text(message.get("id"))] = _api_usage(message.get("usage") or {})
        if not self.tally.finished:
            self.tally.usage = sum(self.spent.values(), Usage())

    def _results(self, content: Any) -> None:
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_result" and block.get("is_error") and block["tool_use_id"] in self.names:
                self.tally.call_failed(*self.names[block["tool_use_id"]])

    def _result(self, event: dict[str, Any]) -> None:
        tally = self.tally
        by_model = event.get("model_usage_since_last_result")
        if isinstance(by_model, dict):
            before = tally.usage if tally.finished and tally.usage else Usage()
            tally.usage = sum((_model_usage(u) for u in by_model.values()), before)
            for used in by_model.values():
                tally.cost_usd = as_cost(used.get("costUSD"), tally.cost_usd)
        tally.finished = True
        tally.steps = (tally.steps or 0) + as_number(event.get("num_turns"))
        tally.message = as_text(event.get("result")) or tally.message
        refused = [as_text(d.get("tool_name")) for d in event.get("permission_denials") or ()]
        if refused:
            tally.notes.append(f"{len(refused)} tool calls were not permitted: {', '.join(sorted(set(refused)))}")
        if event.get("is_error"):
            tally.failed(_cause(event), "; ".join(map(str, event.get("errors") or ())) or as_text(event.get("result")))


def _cause(event: dict[str, Any]) -> str:
    if event.get("subtype") == "error_max_budget_usd":
        return "budget"
    return "model" if event.get("api_error_status") else "agent"


def _name(shown: str, real: str) -> tuple[str, str]:
    """`mcp__server__tool` -> (server, the server's own name of the tool where it is told)."""
    prefix, _, rest = shown.partition("__")
    server, found, tool = rest.partition("__")
    return (server, real or tool) if prefix == "mcp" and found else ("", shown)


def _api_usage(used: Mapping[str, Any]) -> Usage:
    cached, write = as_number(used.get("cache_read_input_tokens")), as_number(used.get("cache_creation_input_tokens"))
    total = as_number(used.get("input_tokens")) + cached + write
    return Usage(total, cached, write, as_number(used.get("output_tokens")))


def _model_usage(used: Mapping[str, Any]) -> Usage:
    cached, write = as_number(used.get("cacheReadInputTokens")), as_number(used.get("cacheCreationInputTokens"))
    total = as_number(used.get("inputTokens")) + cached + write
    return Usage(total, cached, write, as_number(used.get("outputTokens")), as_number(used.get("thinkingTokens")))
