"""Agent Skills (agentskills.io): the rules of a SKILL.md, and how a skill is told of over MCP (SEP-2640).

A skill lies at `skills/<name>/` of its artifact and is served as `skill://<artifact>/skills/<name>/...`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

from harnessgym_mcp.core.text import one_line, visible

__all__ = [
    "EXTENSION",
    "MOST_BYTES",
    "MOST_FILES",
    "Flaw",
    "entry",
    "files_of",
    "flaws",
    "mime_type",
    "skill_name",
    "uri_of",
]

EXTENSION = "io.modelcontextprotocol/skills"
_SCHEME = "skill://"
MOST_FILES = 512
MOST_BYTES = 16 * 1024 * 1024
"""Per skill: what every host has to accept (SEP-2640, Limits)."""

Flaw = tuple[Literal["error", "warning", "info"], str, str, str]
"""`(severity, field, what, fix)`; severity is error, warning or info."""

_NAME = re.compile(r"(?!.*--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_KNOWN = frozenset({"name", "description", "license", "compatibility", "metadata", "allowed-tools"})
_TYPES = {
    "md": "text/markdown", "txt": "text/plain", "py": "text/x-python", "js": "text/javascript",
    "sh": "text/x-shellscript",
    "html": "text/html", "css": "text/css", "csv": "text/csv", "json": "application/json", "yaml": "application/yaml",
    "yml": "application/yaml", "toml": "application/toml", "xml": "application/xml", "pdf": "application/pdf",
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "svg": "image/svg+xml", "zip": "application/zip",
}  # fmt: skip


def skill_name(path: str) -> str:
    """The name of the skill whose SKILL.md this is."""
    return PurePosixPath(path).parent.name


def files_of(skill: str, paths: Iterable[str]) -> list[str]:
    """Those of an artifact's files that belong to the skill whose SKILL.md is `skill`; that one comes first."""
    root = skill.removesuffix("SKILL.md")
    return sorted((p for p in paths if p.startswith(root)), key=lambda p: (p != skill, p))


def uri_of(artifact: str, path: str) -> str:
    """Where a file of an artifact's skill is served; characters that a URI may not hold are escaped."""
    from urllib.parse import quote

    return f"{_SCHEME}{artifact}/{quote(path)}"


def mime_type(path: str, *, text: bool = True) -> str:
    """By the name's ending; of other files it is told whether they are text."""
    known = _TYPES.get(PurePosixPath(path).suffix.lower().lstrip("."))
    return known or ("text/plain" if text else "application/octet-stream")


def entry(artifact: str, skill: str, text: str, files: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """One skill as skills/list and skills/get tell it. `files` maps each path to `(sha256:<hex>, bytes)`.

    Raises FrontMatterError.
    """
    from harnessgym_mcp.core.front_matter import front_matter  # 5 ms that a server's start does without

    return {
        "uri": uri_of(artifact, skill),
        "frontmatter": front_matter(text),
        "resources": [
            {"uri": uri_of(artifact, path), "digest": files[path][0], "size": files[path][1]}
            for path in files_of(skill, files)
        ],
    }


def flaws(folder: str, text: str, sizes: Sequence[int] = ()) -> Iterator[Flaw]:
    """What is wrong with a SKILL.md that lies in a folder of this name, beside files of these sizes in bytes."""
    from harnessgym_mcp.core.front_matter import FrontMatterError, front_matter

    if len(sizes) > MOST_FILES or sum(sizes) > MOST_BYTES:
        what = f"the skill has {len(sizes)} files with {sum(sizes)} bytes; {MOST_FILES} and {MOST_BYTES} are allowed"
        yield "error", "", what, "keep instructions and what they refer to, nothing else"
    try:
        fields = front_matter(text)
    except FrontMatterError as error:
        fix = 'begin it with ---, name: ..., description: "...", ---; quote what holds a colon'
        yield "error", f"SKILL.md:{error.line}", str(error), fix
        return
    yield from _name(folder, fields.get("name"))
    yield from _text(fields, "description", 1024, "say what the skill does and when to use it", needed=True)
    yield from _text(fields, "compatibility", 500, "name only what the skill needs of its surroundings")
    yield from _others(fields)


def _name(folder: str, name: object) -> Iterator[Flaw]:
    if not isinstance(name, str) or len(name) > 64 or not _NAME.match(name):
        what = f"{one_line(str(name), 80)!r} is not a skill's name"
        yield "error", "name", what, "use 1-64 of a-z, 0-9 and single '-' within"
    elif name != folder:
        what = f"the skill is called {name!r}, its folder {folder!r}"
        yield "error", "name", what, "give both the same name"


def _text(fields: Mapping[str, Any], key: str, most: int, fix: str, *, needed: bool = False) -> Iterator[Flaw]:
    value = fields.get(key)
    if key not in fields and not needed:
        return
    if not isinstance(value, str):
        kind = "missing" if value is None else f"a {type(value).__name__}"
        yield "error", key, f"{key} is {kind}; it has to be text", f"{fix}, in quotes"
    elif not value.strip() or len(value) > most:
        yield "error", key, f"{key} has {len(value.strip())} characters; 1 to {most} are allowed", fix


def _others(fields: Mapping[str, Any]) -> Iterator[Flaw]:
    for key in sorted(fields.keys() - _KNOWN):
        yield "info", visible(key)[:60], f"front matter knows no {visible(key)[:60]!r}", "put it below `metadata`"
    metadata = fields.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        yield "warning", "metadata", "metadata maps names to texts", "quote its values"
    if not isinstance(fields.get("allowed-tools", ""), str):
        yield "warning", "allowed-tools", "allowed-tools is one text of names with spaces between", "write it as text"
    if not isinstance(fields.get("license", ""), str):
        yield "warning", "license", "license is a text", "quote it"
