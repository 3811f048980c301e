"""Codex CLI, headless: `codex exec --json` with the prompt on stdin, which is closed after it.

Everything is given as `-c` settings, since a project's own configuration loads only where the folder is trusted.
Measured with 0.169.0: `turn.completed` counts the tokens of the whole thread, so what a resumed turn cost is told by
the difference to the thread's record (`codex_thread.py`), as is what a turn cost that had no end.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.agent import Context, Entry, Identity, Prompt, Turn, Usage
from harnessgym_mcp.agents.codex_home import Thread, codex_home, provider_keys, read_thread, server_names, usage_of
from harnessgym_mcp.agents.tally import Tally, as_text, read_events
from harnessgym_mcp.agents.turns import Launch, environment, find_program, identify, take_turn
from harnessgym_mcp.core.policy import Agents
from harnessgym_mcp.core.text import one_line

__all__ = ["Codex", "codex_reader"]

_KEEP = ("OPENAI_*", "CODEX_*", "RUST_LOG")


@dataclass(frozen=True, slots=True)
class Codex:
    """`sandbox`: read-only | workspace-write | danger-full-access, of the commands that the model runs.

    Codex's own sandbox hides /tmp: with a CODEX_HOME below it, every command fails unless there is full access.
    """

    program: str = "codex"
    sandbox: str = "workspace-write"
    approval: str = "never"
    list_changed: bool = True  # turn on the feature that honours tools/list_changed
    extra_args: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "codex"

    async def identify(self) -> Identity:
        return await identify(self.name, find_program(self.program), _KEEP)

    async def attempt(self, prompt: Prompt, context: Context) -> Turn:
        return await self._turn("", prompt, context)

    async def resume(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        return await self._turn(session_id, prompt, context)

    async def _turn(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        tally = Tally(session_id=session_id)
        env = environment(context, _KEEP)
        home = codex_home(env)
        env = environment(context, (*_KEEP, *provider_keys(home)))
        before = read_thread(home, session_id)
        if context.budget_usd is not None:
            tally.notes.append("codex knows no limit in money: the budget was not enforced")
        words = ["resume", session_id, "-"] if session_id else ["-"]
        argv = [find_program(self.program), "exec", *self._arguments(context, home), *words]

        def finish() -> None:
            _settle_usage(tally, before, read_thread(home, tally.session_id))

        launch = Launch(argv, env, prompt.encoded)
        return await take_turn(prompt, context, launch, tally, codex_reader(tally), finish)

    def _arguments(self, context: Context, home: Path) -> list[str]:
        settings = {"sandbox_mode": toml(self.sandbox), "approval_policy": toml(self.approval)}
        if self.list_changed:
            settings |= {"features.mcp_tool_list_changed": "true", "suppress_unstable_features_warning": "true"}
        for name in server_names(home):  # the user's other servers are no part of a measured turn
            settings[f"mcp_servers.{name}.enabled"] = "false"
        if context.entry:
            settings |= _entry_settings(context.entry, context.rules)
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        model = ["-m", context.model] if context.model else []
        return ["--json", "--skip-git-repo-check", *words, *model, *self.extra_args]


def _entry_settings(entry: Entry, rules: Agents) -> dict[str, str]:
    command, *args = entry.command
    values: dict[str, Any] = {
        "command": command,
        "args": args,
        "env": dict(entry.env),
        "enabled": True,
        "required": True,
        "startup_timeout_sec": rules.tool_start,
        "tool_timeout_sec": rules.tool_call,
        "default_tools_approval_mode": "approve",
    }
    return {f"mcp_servers.{entry.name}.{key}": toml(value) for key, value in values.items()}


def toml(value: Any) -> str:
    """A value as TOML in one line. A TOML basic string is a JSON string that spells out DEL."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _settle_usage(tally: Tally, before: Thread, after: Thread) -> None:
    """From the thread's totals to this turn's share."""
    tally.model = tally.model or after.model
    total = tally.usage or after.usage
    if total is None or (before.exists and before.usage is None):
        tally.usage = None
    else:
        tally.usage = total - (before.usage or Usage())


def codex_reader(tally: Tally) -> Callable[[bytes], None]:
    """A reader of `--json` lines. `tally.usage` becomes the thread's total."""
    return read_events(tally, _Stream(tally).take)


@dataclass(slots=True)
class _Stream:
    tally: Tally
    seen: set[str] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "thread.started":
                self.tally.session_id = as_text(event["thread_id"])
            case "item.started" | "item.completed":
                self._item(event["item"], done=event["type"] == "item.completed")
            case "turn.completed":
                self.tally.finished = True
                self.tally.usage = usage_of(event["usage"])
            case "turn.failed":
                self.tally.finished = True
                self.tally.failed("model", as_text(event["error"].get("message")))
            case "error":
                self.tally.trouble = one_line(as_text(event.get("message")))

    def _item(self, item: dict[str, Any], *, done: bool) -> None:
        self.tally.trouble = ""
        match item["type"]:
            case "agent_message":
                self.tally.message = as_text(item["text"])
            case "error":
                self.tally.notes.append(one_line(as_text(item.get("message"))))
            case "mcp_tool_call":
                self._call(item, (as_text(item["server"]), as_text(item["tool"])), done)
            case "reasoning" | "todo_list":
                pass
            case other:
                self._call(item, ("", as_text(other)), done)

    def _call(self, item: dict[str, Any], name: tuple[str, str], done: bool) -> None:
        if item["id"] not in self.seen:
            self.seen.add(item["id"])
            self.tally.called(*name)
        if done and item.get("status") in ("failed", "declined"):
            self.tally.call_failed(*name)
