"""Claude Code plugins: `.claude-plugin/plugin.json`, `.mcp.json` and `skills/`, read and written."""

from collections.abc import Mapping
from typing import Any

from harnessgym_mcp.core.formats.common import DATA, ROOT, WORKSPACE, dump, placed
from harnessgym_mcp.core.launch import Launch

__all__ = ["MCP_FILE", "PLUGIN_FILE", "files_for", "servers_of"]

PLUGIN_FILE, MCP_FILE = ".claude-plugin/plugin.json", ".mcp.json"

_PLACES = {ROOT: "${CLAUDE_PLUGIN_ROOT}", DATA: "${CLAUDE_PLUGIN_DATA}", WORKSPACE: "${CLAUDE_PROJECT_DIR}"}


def servers_of(plugin: Mapping[str, Any], mcp: Any) -> dict[str, Any]:
    """Name -> entry of all servers, those that the manifest itself holds included."""
    from harnessgym_mcp.core.formats.entries import entries_of

    inline = plugin.get("mcpServers")
    found = dict(inline) if isinstance(inline, dict) else {}
    if isinstance(mcp, dict):  # some hold the servers without the key around them
        found |= entries_of(mcp) if {"mcpServers", "servers"} & mcp.keys() else mcp
    return found


def files_for(plugin: Mapping[str, Any], server: str, launch: Launch | None) -> dict[str, str]:
    """The files to add to an artifact's own to make it a plugin. `server` is its name in mcp.json."""
    name = str(plugin["name"]).replace(".", "-")
    keys = ("version", "description", "author", "homepage", "repository", "license", "keywords")
    manifest = {"name": name, **{key: plugin[key] for key in keys if plugin.get(key)}}
    added = {PLUGIN_FILE: dump(manifest)}
    return added | ({MCP_FILE: dump({"mcpServers": {server: _entry(launch)}})} if launch else {})


def _entry(launch: Launch) -> dict[str, Any]:
    words = [placed(word, _PLACES) for word in (launch.command, *launch.args)]
    if words[0].startswith("./"):
        words[0] = "${CLAUDE_PLUGIN_ROOT}" + words[0][1:]
    if launch.packages and launch.command in ("python", "python3"):
        options = [word for package in launch.packages for word in ("--with", package)]
        words = ["uv", "run", "--no-project", *options, *words]
    env = {"PLUGIN_ROOT": "${CLAUDE_PLUGIN_ROOT}", "PLUGIN_DATA": "${CLAUDE_PLUGIN_DATA}"}
    if launch.permissions.workspace != "none":
        env["HARNESSGYM_WORKSPACE"] = "${CLAUDE_PROJECT_DIR}"
    env |= {key: placed(value, _PLACES) for key, value in launch.env.items()}
    env |= {key: f"${{{key}}}" for key in launch.permissions.env}
    return {"command": words[0], "args": words[1:], "env": env}
