"""The draft that an agent starts from: a working artifact, which qualifies as it stands."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pprint import pformat
from typing import Any, Literal

from harnessgym_mcp.core.names import check_artifact_name, check_tool_name
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import one_line

__all__ = ["scaffold"]

_PLUGIN = "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
_MCP = "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json"


def scaffold(
    name: str,
    kind: Literal["server", "skill"] = "server",
    tools: Sequence[str] = (),
    *,
    description: str = "",
    why: str = "",
    prediction: Mapping[str, Any] | None = None,
    extends: str = "",
    iteration: str = "",
) -> dict[str, str]:
    """Relative path -> text of a draft that already qualifies.

    `tools` are the tools that are wanted; each gets an example function to be rewritten, none gets one called
    `example`. Raises NameRefused for a name that cannot be used.
    """
    check_artifact_name(name)
    names = [check_tool_name(name, t, Limits().callable_chars) for t in dict.fromkeys(tools)] or ["example"]
    about = one_line(description or why, 400) or f"{name}: say here what this is for"
    extension: dict[str, Any] = {"artifact": 1, "why": one_line(why, 1000)}
    extension |= {k: v for k, v in (("iteration", iteration), ("extends", extends)) if v}
    extension |= {"prediction": dict(prediction)} if prediction else {}
    draft = (
        {f"skills/{name}/SKILL.md": _skill(name, about, names if kind == "server" else [])} if _skilled(name) else {}
    )
    if kind == "server":
        extension |= {
            "permissions": {"workspace": "none"},
            "determinism": "pure",
            "self_test": {"calls": _calls(names)},
        }
        draft |= {"server.py": _server(name, names), "mcp.json": _json(_mcp(name))}
    return {"plugin.json": _json(_plugin(name, about, extension)), **draft}


def _skilled(name: str) -> bool:
    """Skill names allow less than artifact names do; where they differ, a server goes without its skill."""
    return "." not in name


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _plugin(name: str, description: str, extension: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": _PLUGIN, "name": name, "version": "0.1.0", "description": description}
    return {**head, "extensions": {"io.harnessgym": extension}}


def _mcp(name: str) -> dict[str, Any]:
    server = {"type": "stdio", "command": "python3", "args": ["${PLUGIN_ROOT}/server.py"], "env": {}}
    return {"$schema": _MCP, "mcpServers": {name: server}}


def _calls(names: Sequence[str]) -> list[dict[str, Any]]:
    """For each tool two calls that succeed, and one that must not."""
    calls: list[dict[str, Any]] = []
    for tool in names:
        for values, total in (([1, 2, 3], 6), ([10, -4], 6.0), ([0.5], 0.5)):
            expect = {"json": {"$.total": total, "$.count": len(values)}}
            calls.append({"tool": tool, "arguments": {"values": values}, "expect": expect})
        calls.append({"tool": tool, "arguments": {}, "expect": {"isError": True, "text": "missing"}})
    return calls


def _server(name: str, names: Sequence[str]) -> str:
    template = files("harnessgym_mcp.qualify").joinpath("templates/server.py.txt").read_text("utf-8")
    functions = "\n\n".join(_function(tool) for tool in names)
    tools = "\n".join(_indent(pformat(_definition(tool), sort_dicts=False, width=100)) for tool in names)
    callables = ", ".join(f"{json.dumps(tool)}: {_identifier(tool)}" for tool in names)
    parts = {"FUNCTIONS": functions, "TOOLS": tools, "CALLABLES": callables, "NAME": name}
    return re.sub(r"@@([A-Z]+)@@", lambda m: parts[m[1]], template)


def _identifier(tool: str) -> str:
    return "do_" + re.sub(r"\W", "_", tool)


def _function(tool: str) -> str:
    return (
        f"def {_identifier(tool)}(values):\n"
        f'    """An example to be rewritten: the total of some numbers."""\n'
        f"    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):\n"
        f'        raise ToolError("values have to be numbers")\n'
        f'    return {{"total": sum(values), "count": len(values)}}\n'
    )


def _definition(tool: str) -> dict[str, Any]:
    items = {"type": "array", "items": {"type": "number"}, "description": "The numbers to add."}
    schema = {"type": "object", "properties": {"values": items}, "required": ["values"], "additionalProperties": False}
    about = f"{tool}: gives the total and the count of some numbers. Rewrite this line to say what the tool does."
    return {"name": tool, "description": about, "inputSchema": schema}


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()) + ","


def _skill(name: str, description: str, tools: Sequence[str]) -> str:
    uses = "\n".join(
        f"- `{name}__{tool}`: when to call it, with which arguments, what to do with the answer" for tool in tools
    )
    body = (
        f"## Tools\n\n{uses}\n"
        if uses
        else "Step by step: what to look at first, what to do, how to tell that it worked.\n"
    )
    return f"---\nname: {name}\ndescription: {json.dumps(description, ensure_ascii=False)}\n---\n\n# {name}\n\n{body}"
