"""A tool that gives orders to its reader in whatever it answers: then they are the tool's own, and no one's data."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import text_of
from harnessgym_mcp.qualify.checks.poison import orders, texts_of
from harnessgym_mcp.qualify.context import paste

__all__ = ["ordering"]

_ENOUGH = 3  # different calls
_READ = 20_000  # characters of one answer


def ordering(tool: str, answers: Sequence[tuple[Any, Mapping[str, Any]]]) -> Finding | None:
    """`answers` are the `(arguments, result)` of calls that succeeded; a finding when all of several different ones
    were answered with an order that was not put in. Errors are left out: honest ones say what to do first."""
    different = {json.dumps(arguments, sort_keys=True) for arguments, _ in answers}
    if len(different) < _ENOUGH:
        return None
    said = ""
    for arguments, result in answers:
        said = orders(_text(result))
        if not said or any(said in text for _, text in texts_of(arguments, "")):
            return None
    return finding(
        "fuzz.instruction",
        f"all of {len(different)} different calls were answered with {one_line(said, 200)!r}",
        where=f"tool {tool}",
        fix="answer with what was asked; do not tell the reading model what to do",
        repro=paste(tool, answers[0][0]),
    )


def _text(result: Mapping[str, Any]) -> str:
    structured = (text for _, text in texts_of(result.get("structuredContent"), ""))
    return "\n".join([text_of(result), *structured])[:_READ]
