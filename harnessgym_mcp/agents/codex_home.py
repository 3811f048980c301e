"""What we read of Codex's own folder: which variables and servers its configuration names, what a thread has cost.

None of it is a documented interface, so each reader takes what it finds and makes do without.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.agent import Usage
from harnessgym_mcp.agents.tally import as_number, as_text

__all__ = ["Thread", "codex_home", "provider_keys", "read_thread", "server_names", "usage_of"]

_ID = re.compile(r"[0-9a-fA-F-]{8,64}")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread's record so far."""

    exists: bool = False
    usage: Usage | None = None
    model: str = ""


def codex_home(env: Mapping[str, str]) -> Path:
    """Where Codex keeps its things under this environment."""
    return Path(env.get("CODEX_HOME") or Path(env.get("HOME") or os.path.expanduser("~")) / ".codex")


def provider_keys(home: Path) -> list[str]:
    """The variables that hold the keys of the configured model providers."""
    providers = _config(home).get("model_providers")
    return [
        provider["env_key"]
        for provider in (providers.values() if isinstance(providers, dict) else ())
        if isinstance(provider, dict) and isinstance(provider.get("env_key"), str)
    ]


def server_names(home: Path) -> list[str]:
    """The MCP servers that the user has configured, as far as a `-c` setting can name them."""
    servers = _config(home).get("mcp_servers")
    return [name for name in (servers if isinstance(servers, dict) else ()) if _BARE_KEY.fullmatch(name)]


def _config(home: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads((home / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # Codex itself will say what is wrong with it


def read_thread(home: Path, thread_id: str) -> Thread:
    """The newest totals in a thread's rollout file."""
    if not _ID.fullmatch(thread_id):
        return Thread()
    found = sorted(home.glob(f"sessions/*/*/*/rollout-*-{thread_id}.jsonl"))
    usage, model = None, ""
    try:
        for path in found:
            with path.open("rb") as lines:
                for line in lines:
                    usage, model = _total(line) or usage, _model(line) or model
    except OSError:
        return Thread(exists=bool(found))
    return Thread(bool(found), usage, model)


def _total(line: bytes) -> Usage | None:
    info = _payload(line, b'"token_count"').get("info")
    total = info.get("total_token_usage") if isinstance(info, dict) else None
    return usage_of(total) if isinstance(total, dict) else None


def usage_of(told: Mapping[str, Any]) -> Usage:
    """Counts of tokens under the names that Codex gives them, in its stream as in its own record."""
    return Usage(
        input=as_number(told.get("input_tokens")),
        cached=as_number(told.get("cached_input_tokens")),
        cache_write=as_number(told.get("cache_write_input_tokens")),
        output=as_number(told.get("output_tokens")),
        reasoning=as_number(told.get("reasoning_output_tokens")),
    )


def _model(line: bytes) -> str:
    return as_text(_payload(line, b'"turn_context"').get("model"))


def _payload(line: bytes, kind: bytes) -> dict[str, Any]:
    if kind not in line[:200]:
        return {}
    try:
        payload = json.loads(line)["payload"]
    except (ValueError, KeyError, TypeError):
        return {}
    return payload if isinstance(payload, dict) else {}
