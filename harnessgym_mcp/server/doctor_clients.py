"""The doctor's checks of the clients: which are here, at which version, and whether they are connected rightly."""

import os
import subprocess
from pathlib import Path

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.server.doctor_finding import Check, Context, Finding
from harnessgym_mcp.store.client_configs import start_command
from harnessgym_mcp.store.client_configs_places import CLIENTS, Places, Scope, Serving
from harnessgym_mcp.store.client_configs_state import Connection, connection, found

__all__ = ["client_checks"]

_NAME = "harnessgym"
_SCOPES: tuple[Scope, ...] = ("project", "user")


def client_checks() -> dict[str, Check]:
    """One check for each client that `connect` knows."""
    return {f"client-{client}": _check_of(client) for client in CLIENTS}


def _check_of(client: str) -> Check:
    return lambda context: _check(client, context)


def _check(client: str, context: Context) -> Finding:
    places = Places(context.home.workspace, Path(os.path.expanduser("~")), context.env)
    where = found(client, places)
    connections = {scope: _connection(client, scope, context, places) for scope in _SCOPES}
    if not where and all(c.state == "absent" for c in connections.values()):
        return Finding("skipped", f"{CLIENTS[client].title} was not found")
    version = _version(where, context)
    here = (
        version or (where and f"{'no program on PATH, config in ' * os.path.isdir(where)}{where}") or "not found here"
    )
    said = f"{here}; {_told(connections)}"
    details = {"path": where, "version": version} | {scope: c.state for scope, c in connections.items()}
    wrong = [scope for scope, c in connections.items() if c.state in ("wrong", "broken")]
    if wrong:
        remedy = f"`harnessgym connect {client} --scope {wrong[0]}`"
        if connections[wrong[0]].state == "broken":
            remedy = f"repair {connections[wrong[0]].path} by hand, then {remedy}"
        return Finding("warn", said, remedy, details)
    if any(c.state == "connected" for c in connections.values()):
        return Finding("ok", said, details=details)
    return Finding("skipped", said, f"`harnessgym connect {client}`", details)


def _connection(client: str, scope: Scope, context: Context, places: Places) -> Connection:
    command = start_command(client, scope, context.home.workspace)
    agents = context.policy.agents
    return connection(client, scope, Serving(_NAME, command, agents.tool_start, agents.tool_call), places)


def _told(connections: dict[Scope, Connection]) -> str:
    there = [
        f"{c.state} ({scope}: {c.path}{': ' + c.detail if c.detail else ''})"
        for scope, c in connections.items()
        if c.state != "absent"
    ]
    return "; ".join(there) or "not connected"


def _version(program: str, context: Context) -> str:
    """The first line that `--version` says; "" where it says nothing in time."""
    if not os.access(program, os.X_OK) or os.path.isdir(program):
        return ""
    try:
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=context.policy.doctor.version,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return one_line(done.stdout.decode(errors="replace").partition("\n")[0], 80)
