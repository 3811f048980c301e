"""Tool definitions as a server lists them: legal, clean, readable, and not another artifact's over again."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harnessgym_mcp.core.names import check_tool_name, collisions
from harnessgym_mcp.core.schemas import problems
from harnessgym_mcp.core.text import one_line, visible
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.errors import NameRefused
from harnessgym_mcp.qualify.checks.poison import poison, texts_of
from harnessgym_mcp.qualify.checks.shapes import wrong_fields
from harnessgym_mcp.qualify.request import Known

__all__ = ["check_definitions", "near_duplicates", "poisoned"]

_MOST = 64 * 1024  # bytes of one definition
_WORDS = re.compile(r"\w+")


def check_definitions(artifact: str, tools: list[dict[str, Any]], most: int) -> Iterator[Finding]:
    """`most` is the length that a whole callable name may have."""
    yield from _names(artifact, tools, most)
    for tool in tools:
        yield from _size(tool)
        yield from _fields(tool)
        yield from _schemas(tool)
        yield from poisoned(tool, f"tool {one_line(str(tool.get('name')), 80)}", "boot")
        yield from _description(tool)


def _names(artifact: str, tools: list[dict[str, Any]], most: int) -> Iterator[Finding]:
    names = [str(t.get("name")) for t in tools]
    for name in names:
        try:
            check_tool_name(artifact, name, most)
        except NameRefused as error:
            yield finding("boot.tool-name", error.message, where=f"tool {visible(name)[:200]}", fix=error.hint)
    for twice in sorted({n for n in names if names.count(n) > 1}):
        yield finding(
            "boot.tool-twice", f"two tools are called {twice!r}", where=f"tool {twice}", fix="rename one of them"
        )
    for first, second in collisions(names):
        yield finding(
            "boot.tool-collision",
            f"{first!r} and {second!r} are one name to some clients, which would lose one of them",
            where=f"tool {second}",
            fix="rename one so that they differ in more than punctuation and letter case",
        )


def _fields(tool: Mapping[str, Any]) -> Iterator[Finding]:
    for field, what in wrong_fields(tool):
        yield finding(
            "boot.definition",
            f"{what}; clients that check refuse the whole list for it",
            where=f"tool {one_line(str(tool.get('name')), 80)} {field}",
            fix="write what MCP's schema of a tool says, or leave it out",
        )


def _schemas(tool: Mapping[str, Any]) -> Iterator[Finding]:
    name = str(tool.get("name"))
    if not isinstance(tool.get("inputSchema"), dict):
        yield finding(
            "boot.schema",
            "inputSchema is missing or no object",
            where=f"tool {name}",
            fix='use {"type": "object", "properties": {}} for a tool without arguments',
        )
    for key in ("inputSchema", "outputSchema"):
        if isinstance(tool.get(key), dict):
            for where, what in problems(tool[key])[:5]:
                yield finding(
                    "boot.schema", what, where=f"tool {name} {key}{where}", fix="write a legal JSON Schema (2020-12)"
                )


def _size(tool: Mapping[str, Any]) -> Iterator[Finding]:
    """Every client pays for every definition in each of its sessions."""
    size = len(json.dumps(tool))
    if size > _MOST:
        yield finding(
            "boot.definition-size",
            f"the definition has {size} bytes; {_MOST} are allowed",
            where=f"tool {one_line(str(tool.get('name')), 80)}",
            fix="say what a caller needs before the call; keep the rest for a skill or an answer",
        )


def _description(tool: Mapping[str, Any]) -> Iterator[Finding]:
    description = tool.get("description")
    name = str(tool.get("name"))
    if not isinstance(description, str) or not description.strip():
        yield finding(
            "boot.description",
            "the tool has no description",
            severity="warning",
            where=f"tool {name}",
            fix="say in a sentence what it does and when to use it",
        )
    elif len(description) > 4000:
        yield finding(
            "boot.description",
            f"the description has {len(description)} characters; clients cut or count them",
            severity="warning",
            where=f"tool {name}",
            fix="shorten it to what a reader needs before the call",
        )


def poisoned(value: Any, where: str, stage: str) -> Iterator[Finding]:
    """One finding for each kind of poison in each text of a JSON value."""
    for place, text in texts_of(value, where):
        for item in poison(text):
            yield finding(
                f"{stage}.{item.id}",
                f"{item.what} in {visible(text[max(item.at - 40, 0) : item.at + 80])!r}",
                where=visible(place)[:300],
                fix=_FIXES[item.id],
            )


_FIXES = {
    "hidden-characters": "delete the character; what a reader cannot see has no place in text for a model",
    "terminal-code": "delete the control character",
    "instruction": "describe what the tool does; do not tell the reading model what to do or to hide",
    "pipe-to-shell": "ship what is needed inside the artifact, or declare it as a dependency",
}


def near_duplicates(tools: Iterable[Mapping[str, Any]], known: Iterable[Known]) -> Iterator[Finding]:
    """Tools that another artifact already has: the same in all but name is an error, nearly the same a warning."""
    others = [(k.name, t, _fingerprint(t)) for k in known for t in k.tools]
    for tool in tools:
        mine = _fingerprint(tool)
        for artifact, other, theirs in others:
            alike = _likeness(mine, theirs)
            if alike >= 0.85:
                yield finding(
                    "boot.duplicate",
                    f"it is {'the same as' if alike == 1 else 'nearly the same as'} {artifact}'s {other.get('name')!r}",
                    severity="error" if alike == 1 else "warning",
                    where=f"tool {tool.get('name')}",
                    fix=f"use {artifact}'s tool, or extend that artifact: declare `extends` and add what it lacks",
                )
                break


def _fingerprint(tool: Mapping[str, Any]) -> tuple[frozenset[str], str]:
    words = frozenset(w.lower() for w in _WORDS.findall(str(tool.get("description", ""))))
    schema = tool.get("inputSchema")
    keys = sorted(schema.get("properties", {})) if isinstance(schema, dict) else []
    return words, json.dumps([tool.get("name"), keys])


def _likeness(mine: tuple[frozenset[str], str], theirs: tuple[frozenset[str], str]) -> float:
    """1.0 only where name, arguments and every word of a real description are equal."""
    if min(len(mine[0]), len(theirs[0])) < 4 or mine[1] != theirs[1]:
        return 0.0
    return len(mine[0] & theirs[0]) / len(mine[0] | theirs[0])
