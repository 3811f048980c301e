"""An answer that never depends on what was asked."""

import json
from collections.abc import Mapping
from typing import Any

from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import text_of
from harnessgym_mcp.qualify.context import paste

__all__ = ["constant"]

_ENOUGH = 4  # different calls


def constant(tool: Mapping[str, Any], calls: list[tuple[Any, dict[str, Any]]], blind: bool) -> Finding | None:
    """A finding when a tool that demands arguments gave one and the same answer to all of several different calls.

    It rejects when the answer carries data, or when calls without the argument get it too (`blind`): `stored` is all
    that some honest tools have to say, once they were told what to store.
    """
    schema = tool.get("inputSchema")
    required = schema.get("required") if isinstance(schema, Mapping) else None
    different = {json.dumps(arguments, sort_keys=True) for arguments, _ in calls}
    answers = {json.dumps(_said(result), sort_keys=True) for _, result in calls}
    if not required or len(different) < _ENOUGH or len(answers) != 1:
        return None
    arguments, result = calls[0]
    return finding(
        "fuzz.constant",
        f"{len(different)} different calls were all answered alike: {next(iter(answers))}",
        severity="error" if blind or _carries_data(result) else "warning",
        where=f"tool {tool.get('name')}",
        fix="make the answer depend on the arguments, or drop them",
        repro=paste(str(tool.get("name")), arguments),
    )


def _said(result: Mapping[str, Any]) -> Any:
    return result.get("structuredContent", text_of(result))


def _carries_data(result: Mapping[str, Any]) -> bool:
    """Numbers, lists, or more than a line: something that should differ from call to call."""
    said = _said(result)
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except (ValueError, RecursionError):
            return len(said) > 120
    return _has_data(said)


def _has_data(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_data, value.values()))
    if isinstance(value, list):
        return any(map(_has_data, value))
    if isinstance(value, str):
        return len(value) > 120
    return isinstance(value, int | float) and not isinstance(value, bool) and value != 0
