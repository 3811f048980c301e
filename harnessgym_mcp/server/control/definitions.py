"""The control tools as a model sees them: names, descriptions, schemas, annotations.

Annotations decide permission and parallelism in both clients; `_meta` keeps the tools visible in Claude Code and
lets its search find them.
"""

from typing import Any

from harnessgym_mcp.server import stats_view

__all__ = ["DEFINITIONS"]

_META = {"anthropic/alwaysLoad": True}


def _tool(
    name: str, title: str, description: str, properties: dict[str, Any], *, required: tuple[str, ...] = (),
    read_only: bool = False, search: str = "", meta: dict[str, Any] | None = None
) -> dict[str, Any]:  # fmt: skip
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {
        "name": f"harnessgym.{name}",
        "title": title,
        "description": description,
        "inputSchema": schema | ({"required": list(required)} if required else {}),
        "annotations": {
            "title": title,
            "readOnlyHint": read_only,
            "destructiveHint": False,
            "idempotentHint": read_only,
            "openWorldHint": False,
        },
        "_meta": _META | ({"anthropic/searchHint": search} if search else {}) | (meta or {}),
    }


_SELECTED = {
    "type": "object",
    "description": "Your choice: opens the single build slot of this iteration and scaffolds the draft.",
    "properties": {
        "name": {
            "type": "string",
            "description": "Artifact name: lower-case letters, digits, '-' and '.', for example 'asm-lens'.",
        },
        "kind": {"type": "string", "enum": ["server", "skill"], "default": "server"},
        "extends": {
            "type": "string",
            "description": "An existing artifact that this one improves; the same name makes a new version of it.",
        },
        "why": {"type": "string", "description": "What was missing, and what it cost in this session."},
        "tools": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The names of the tools that it will offer.",
        },
        "prediction": {
            "type": "object",
            "description": "What you expect of it; shown later beside what was measured.",
            "properties": {
                "metric": {"type": "string"},
                "direction": {"type": "string", "enum": ["up", "down"]},
                "effect": {"type": ["string", "number"]},
            },
        },
    },
    "required": ["name", "why"],
    "additionalProperties": False,
}

DEFINITIONS: tuple[dict[str, Any], ...] = (
    _tool(
        "call",
        "Call any mounted tool",
        "Call a mounted tool by name. Use it when a tool that harnessgym.tools or harnessgym.submit_artifact names is "
        "not in your own tool list. The answer is the tool's own; the call is recorded as a call of that tool.",
        {
            "tool": {"type": "string", "description": "As harnessgym.tools lists it: <artifact>__<tool>."},
            "arguments": {"type": "object", "description": "The tool's own arguments.", "default": {}},
        },
        required=("tool",),
        search="run call invoke execute mounted harness tool",
    ),
    _tool(
        "reflect",
        "Choose the one missing tool",
        "Call this after an attempt. Without `selected`: the evidence of this session (what was called, what failed or "
        "was slow, what exists and should rather be extended, what is quarantined and why) and the question which ONE "
        "missing tool mattered most. With `selected`: opens the build slot, scaffolds a working draft and returns its "
        "path, the rules and the exact next call. One artifact per iteration.",
        {
            "outcome": {"type": "string", "description": "How the attempt ended, in a line."},
            "notes": {"type": "string", "description": "What slowed you down or had to be done by hand."},
            "selected": _SELECTED,
        },
        search="reflect missing tool build harness iteration",
    ),
    _tool(
        "stats",
        "What is mounted, what is used",
        "Mounted artifacts with version and health; calls, successes, errors and latency by tool; tools never used; "
        "quarantined artifacts and why; the open build slot; the isolation in force.",
        {
            "scope": {
                "type": "string",
                "enum": ["session", "run", "all"],
                "default": "session",
                "description": "Whose calls to count: this session's, this run's, or all on record.",
            },
            "artifact": {"type": "string", "description": "Only this artifact."},
            "since": {
                "type": ["string", "number"],
                "description": "Only calls since: ISO time, seconds since 1970, or an age such as '2h'.",
            },
        },
        read_only=True,
        search="statistics usage health mounted quarantined tools",
        meta=stats_view.TOOL_META,
    ),
    _tool(
        "submit_artifact",
        "Hand in what you built",
        "Submit the artifact of the open build slot to the clean room: `path` of the draft folder, or `files` (path "
        "-> text) if you have no file tools. Qualified: it is mounted at once and its tools are named in the "
        "answer. Rejected: findings say what to repair; submit again. `abandon: true` closes the slot; `ticket` asks "
        "after a qualification that was still running.",
        {
            "path": {"type": "string", "description": "The draft folder; left out: the open slot's own."},
            "files": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Relative path -> whole text. Replaces the draft's files of these names.",
            },
            "abandon": {"type": "boolean", "description": "Give the open slot up."},
            "ticket": {"type": "string", "description": "From an earlier answer."},
        },
        search="submit qualify artifact tool server clean room",
    ),
    _tool(
        "tools",
        "Find a tool",
        "Without arguments: every mounted tool with a line on it. `query`: search names, descriptions and parameters. "
        "`name`: one tool with its whole schema and how to call it.",
        {
            "query": {"type": "string", "description": "Words of what you need."},
            "name": {"type": "string", "description": "One tool's name."},
        },
        read_only=True,
        search="find search list describe available harness tools schema",
    ),
)
