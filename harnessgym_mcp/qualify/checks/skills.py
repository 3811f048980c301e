"""Agent Skills (agentskills.io): the front matter of a SKILL.md and its rules."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from harnessgym_mcp.core.text import one_line, visible
from harnessgym_mcp.core.verdict import Finding, finding

__all__ = ["check_skill", "front_matter"]

_NAME = re.compile(r"(?!.*--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_PAIR = re.compile(r"([A-Za-z][\w-]*):(?:\s+(.*))?\Z")
_KNOWN = frozenset({"name", "description", "license", "compatibility", "metadata", "allowed-tools"})


def front_matter(text: str) -> dict[str, str] | None:
    """The top-level keys between the `---` lines, scalars as text, anything nested as its raw lines; None if absent.

    Of YAML this reads plain, quoted, folded (`>`) and literal (`|`) scalars: all that the fields of a skill need.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return None
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), 0)
    if not end:
        return None
    return {key: _scalar(first, rest) for key, first, rest in _entries(lines[1:end])}


def _entries(lines: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """`(key, rest of its line, indented lines below)`."""
    at = 0
    while at < len(lines):
        match = _PAIR.match(lines[at].rstrip())
        at += 1
        below = []
        while at < len(lines) and (not lines[at].strip() or lines[at][0] in " \t-"):
            below.append(lines[at])
            at += 1
        if match:
            yield match[1], (match[2] or "").strip(), below


def _scalar(first: str, below: list[str]) -> str:
    lines = [line.strip() for line in below]
    if first[:1] in (">", "|") and len(first) <= 3:
        return ("\n" if first[0] == "|" else " ").join(lines).strip()
    text = " ".join([first, *lines]).strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        quote, text = text[0], text[1:-1]
        return text.replace("''", "'") if quote == "'" else re.sub(r"\\(.)", r"\1", text)
    return re.sub(r"\s+#.*\Z", "", text)


def check_skill(path: str, text: str) -> Iterator[Finding]:
    """`path` is relative to the artifact: `skills/<name>/SKILL.md`."""
    fields = front_matter(text)
    if fields is None:
        yield finding(
            "manifest.skill",
            "the file has no front matter",
            where=path,
            fix="begin it with ---, name: ..., description: ..., ---",
        )
        return
    yield from _name(path, fields)
    yield from _description(path, fields)
    for key in sorted(fields.keys() - _KNOWN):
        yield finding(
            "manifest.skill-key",
            f"front matter knows no {visible(key)[:60]!r}",
            severity="info",
            where=path,
            fix="put it below `metadata`",
        )


def _name(path: str, fields: Mapping[str, str]) -> Iterator[Finding]:
    name, folder = fields.get("name", ""), PurePosixPath(path).parent.name
    if len(name) > 64 or not _NAME.match(name):
        what, fix = f"{one_line(name, 80)!r} is not a skill's name", "use 1-64 of a-z, 0-9 and single '-' within"
        yield finding("manifest.skill", what, where=f"{path} name", fix=fix)
    elif name != folder:
        yield finding(
            "manifest.skill",
            f"the skill is called {name!r}, its folder {folder!r}",
            where=f"{path} name",
            fix="give both the same name",
        )


def _description(path: str, fields: Mapping[str, str]) -> Iterator[Finding]:
    length = len(fields.get("description", ""))
    if not 1 <= length <= 1024:
        yield finding(
            "manifest.skill",
            f"the description has {length} characters; 1 to 1024 are allowed",
            where=f"{path} description",
            fix="say what the skill does and when to use it",
        )
    if len(fields.get("compatibility", "")) > 500:
        yield finding(
            "manifest.skill",
            "compatibility has more than 500 characters",
            where=f"{path} compatibility",
            fix="shorten it",
        )
