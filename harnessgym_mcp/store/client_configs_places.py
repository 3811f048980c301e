"""Which client keeps what in which file: the settings that connect it to HarnessGym, as data.

Paths and keys are those of Claude Code 2.1.330 and Codex CLI 0.169.0 (tried with the programs) and of the documentation
of Cursor, VS Code and Gemini CLI.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["CLIENTS", "Add", "Client", "FileWish", "Places", "Put", "Scope", "Serving", "wishes"]

Scope = Literal["project", "user"]


@dataclass(frozen=True, slots=True)
class Client:
    """A client: its name in prose, the programs that start it, and what tells a person how to go on."""

    id: str
    title: str
    programs: tuple[str, ...]
    next_project: str
    next_user: str


CLIENTS: dict[str, Client] = {
    client.id: client
    for client in (
        Client(
            "claude",
            "Claude Code",
            ("claude",),
            "Start `claude` in this folder; it asks once whether you trust the folder.",
            "Start `claude` anywhere: the harness is that of the folder it works in.",
        ),
        Client(
            "codex",
            "Codex",
            ("codex",),
            "Start `codex` in this folder; it reads .codex/config.toml once you trust the folder.",
            "Start `codex` anywhere: the harness is that of the folder it works in.",
        ),
        Client(
            "cursor",
            "Cursor",
            ("cursor", "cursor-agent"),
            "Open this folder in Cursor and enable harnessgym under Settings, MCP.",
            "Restart Cursor and enable harnessgym under Settings, MCP.",
        ),
        Client(
            "vscode",
            "VS Code",
            ("code",),
            "Open this folder in VS Code; it asks once whether you trust the server.",
            "Restart VS Code; it asks once whether you trust the server.",
        ),
        Client(
            "gemini",
            "Gemini CLI",
            ("gemini",),
            "Start `gemini` in this folder; it reads .gemini/settings.json once you trust the folder.",
            "Start `gemini` anywhere: the harness is that of the folder it works in.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Serving:
    """What a client is to start: `name` is the entry's, `command` a program with its arguments. Times in seconds."""

    name: str
    command: tuple[str, ...]
    start_seconds: float
    call_seconds: float
    ask: bool = False  # leave it to the client to ask before each tool


@dataclass(frozen=True, slots=True)
class Places:
    """Where clients look: the project, the person's home, and the variables that move things."""

    workspace: Path
    home: Path
    env: Mapping[str, str]

    @classmethod
    def here(cls, workspace: Path) -> "Places":
        return cls(Path(os.path.abspath(workspace)), Path(os.path.expanduser("~")), os.environ)

    def moved(self, variable: str, usual: str) -> Path:
        """A folder of the home, unless the environment names another."""
        return Path(self.env[variable]) if self.env.get(variable) else self.home / usual


@dataclass(frozen=True, slots=True)
class Put:
    """A setting with its value; tables are merged."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Add:
    """An item that a list holds, or with `there` False does not."""

    path: tuple[str, ...]
    item: str
    there: bool = True


@dataclass(frozen=True, slots=True)
class FileWish:
    """What one file should say. The first `Put` is the entry itself."""

    path: Path
    format: Literal["json", "toml"]
    edits: tuple[Put | Add, ...]


def wishes(client: str, scope: Scope, serving: Serving, places: Places) -> list[FileWish]:
    """The files of one client in one scope, the one with the entry first."""
    make = {"claude": _claude, "codex": _codex, "cursor": _cursor, "vscode": _vscode, "gemini": _gemini}[client]
    return make(scope == "project", serving, places)


def _started(serving: Serving) -> dict[str, Any]:
    return {"command": serving.command[0], "args": list(serving.command[1:])}


def _claude(project: bool, serving: Serving, places: Places) -> list[FileWish]:
    config = places.moved("CLAUDE_CONFIG_DIR", ".claude")
    own = config / ".claude.json" if places.env.get("CLAUDE_CONFIG_DIR") else places.home / ".claude.json"
    entry = {"type": "stdio", **_started(serving), "timeout": int(serving.call_seconds * 1000)}
    approvals = [Add(("permissions", "allow"), f"mcp__{serving.name}", there=not serving.ask)]
    if project:  # an entry of .mcp.json is started only when it is enabled by name
        approvals.insert(0, Add(("enabledMcpjsonServers",), serving.name))
    settings = places.workspace / ".claude" / "settings.local.json" if project else config / "settings.json"
    first = FileWish(
        places.workspace / ".mcp.json" if project else own, "json", (Put(("mcpServers", serving.name), entry),)
    )
    return [first, FileWish(settings, "json", tuple(approvals))]


def _codex(project: bool, serving: Serving, places: Places) -> list[FileWish]:
    folder = places.workspace / ".codex" if project else places.moved("CODEX_HOME", ".codex")
    entry = {
        **_started(serving),
        "required": True,  # else the first request to the model goes out without the tools
        "startup_timeout_sec": int(serving.start_seconds),
        "tool_timeout_sec": int(serving.call_seconds),
        "default_tools_approval_mode": "auto" if serving.ask else "approve",
    }
    edits = (Put(("mcp_servers", serving.name), entry), Put(("features", "mcp_tool_list_changed"), True))
    return [FileWish(folder / "config.toml", "toml", edits)]


def _cursor(project: bool, serving: Serving, places: Places) -> list[FileWish]:
    folder = places.workspace if project else places.home
    edits = (Put(("mcpServers", serving.name), {"type": "stdio", **_started(serving)}),)
    return [FileWish(folder / ".cursor" / "mcp.json", "json", edits)]


def _vscode(project: bool, serving: Serving, places: Places) -> list[FileWish]:
    path = places.workspace / ".vscode" / "mcp.json" if project else _vscode_profile(places) / "mcp.json"
    edits = (Put(("servers", serving.name), {"type": "stdio", **_started(serving)}),)
    return [FileWish(path, "json", edits)]


def _vscode_profile(places: Places) -> Path:
    if sys.platform == "darwin":
        return places.home / "Library" / "Application Support" / "Code" / "User"
    return places.moved("XDG_CONFIG_HOME", ".config") / "Code" / "User"


def _gemini(project: bool, serving: Serving, places: Places) -> list[FileWish]:
    folder = places.workspace if project else places.home
    entry = {**_started(serving), "timeout": int(serving.call_seconds * 1000), "trust": not serving.ask}
    edits = (Put(("mcpServers", serving.name), entry),)
    return [FileWish(folder / ".gemini" / "settings.json", "json", edits)]
