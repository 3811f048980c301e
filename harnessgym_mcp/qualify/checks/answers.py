"""A tool's answer, whatever was asked: its shape, its promised structure, and text that does nothing to its reader."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harnessgym_mcp.core.fuzz import violations
from harnessgym_mcp.core.text import visible
from harnessgym_mcp.core.verdict import Finding, Severity, finding
from harnessgym_mcp.qualify.checks.expect import text_of
from harnessgym_mcp.qualify.checks.guarded import PatternTooSlow, deadline
from harnessgym_mcp.qualify.checks.poison import poison, texts_of
from harnessgym_mcp.qualify.checks.shapes import wrong_blocks
from harnessgym_mcp.qualify.context import paste

__all__ = ["check_answer"]

_READ = 20_000  # characters of one text that are looked at
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check_answer(
    tool: Mapping[str, Any], arguments: Any, result: Mapping[str, Any], *, reads_workspace: bool = False
) -> Iterator[Finding]:
    """Findings of one `tools/call` result. `reads_workspace`: its text may be a file's, not the tool's own."""
    where, repro = f"tool {tool.get('name')}", paste(str(tool.get("name")), arguments)
    yield from _shape(result, where, repro)
    if not result.get("isError"):
        yield from _structure(tool, result, where, repro)
    yield from _texts(arguments, result, where, repro, reads_workspace)


def _shape(result: Mapping[str, Any], where: str, repro: str) -> Iterator[Finding]:
    wrong = next(wrong_blocks(result.get("content")), "")
    if wrong and result.get("resultType") not in ("task", "input_required"):
        yield finding(
            "fuzz.shape",
            f"the result is not what MCP says it is: {wrong}",
            where=where,
            fix='answer with {"content": [{"type": "text", "text": "..."}]}',
            repro=repro,
        )


def _structure(tool: Mapping[str, Any], result: Mapping[str, Any], where: str, repro: str) -> Iterator[Finding]:
    schema = tool.get("outputSchema")
    if not isinstance(schema, Mapping):
        return
    if "structuredContent" not in result:
        what = "outputSchema is declared, and the answer has no structuredContent"
        yield finding("fuzz.output-schema", what, where=where, fix="add it, or drop outputSchema", repro=repro)
        return
    try:
        with deadline(1.0):
            broken = violations(schema, result["structuredContent"])
    except (PatternTooSlow, re.error):
        return
    for place, what in broken[:3]:
        yield finding(
            "fuzz.output-schema",
            f"structuredContent does not keep outputSchema: {place} {what}",
            where=where,
            fix="make the answer and outputSchema agree",
            repro=repro,
        )


def _texts(
    arguments: Any, result: Mapping[str, Any], where: str, repro: str, reads_workspace: bool
) -> Iterator[Finding]:
    """What was put in may come out again; what the tool adds by itself is its own."""
    given = "\n".join(text for _, text in texts_of(arguments, ""))
    own_control = not _CONTROL.search(given)
    seen = set()
    structured = (text for _, text in texts_of(result.get("structuredContent"), ""))
    for text in (text_of(result), *structured):
        for item in poison(text[:_READ]):
            if item.id in seen or (item.id == "terminal-code" and not own_control) or _echoes(item.what, given):
                continue
            seen.add(item.id)
            severity: Severity = (
                "warning" if item.id in ("instruction", "pipe-to-shell") or reads_workspace else "error"
            )
            yield finding(
                f"fuzz.{item.id}",
                f"an answer holds {item.what}, near {visible(text[max(item.at - 30, 0) : item.at + 60])!r}",
                severity=severity,
                where=where,
                fix="answer in plain text",
                repro=repro,
            )


def _echoes(what: str, given: str) -> bool:
    return any(item.what == what for item in poison(given))
