"""What all formats have in common: names, start recipes, and the manifests that come of them."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from harnessgym_mcp.core import names
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import NameRefused, UsageError

__all__ = [
    "DATA",
    "EXTENSION",
    "MCP_SCHEMA",
    "PLUGIN_SCHEMA",
    "ROOT",
    "WORKSPACE",
    "Access",
    "Draft",
    "FormatError",
    "Recipe",
    "Terms",
    "artifact_name",
    "dump",
    "fitting_name",
    "mcp_json",
    "placed",
    "plain_command",
    "plugin_json",
    "texts",
]

EXTENSION = "io.harnessgym"
PLUGIN_SCHEMA = "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
MCP_SCHEMA = "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json"
ROOT, DATA, WORKSPACE = "${PLUGIN_ROOT}", "${PLUGIN_DATA}", "${HARNESSGYM_WORKSPACE}"

Access = Literal["none", "read", "write"]

_RUNNERS = re.compile(r"(python|node)(?:[0-9.]*)(?:\.exe)?\Z")


class FormatError(UsageError):
    """A file is not what its format says; `where` names the place."""

    code = "format"

    def __init__(self, where: str, what: str, *, hint: str = "") -> None:
        super().__init__(f"{where}: {what}", hint=hint)
        self.where, self.what = where, what


@dataclass(frozen=True, slots=True)
class Terms:
    """What the importer grants and supplies; "" takes what the format suggests."""

    access: Access | Literal[""] = ""
    packages: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a server is started, in our variables."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ROOT


@dataclass(slots=True)
class Draft:
    """An artifact's two manifests, made from another format's; `notes` tells what was decided on the way."""

    name: str
    plugin: dict[str, Any]
    mcp: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


def artifact_name(text: str) -> str:
    """The nearest legal artifact name."""
    plain = re.sub(r"[^a-z0-9.]+", "-", text.lower())
    plain = re.sub(r"\.{2,}", ".", plain).strip("-.")[:64].rstrip("-.") or "imported"
    try:
        return names.check_artifact_name(plain)
    except NameRefused:
        return f"imported-{plain}"[:64].rstrip("-.")


def fitting_name(name: str, tools: Iterable[str], most: int) -> str:
    """The name, or its first words where some tool's whole callable name would be longer than `most`."""
    longest = max((len(names.CALL_PREFIX + names.join("", tool)) for tool in tools), default=0)
    while longest and len(name) + longest > most and "-" in name:
        name = name.rpartition("-")[0]
    return name


def plain_command(command: str) -> str:
    """An interpreter by its name: which one is meant by a path is another machine's business."""
    found = _RUNNERS.match(PurePosixPath(command.replace("\\", "/")).name)
    return {"python": "python3", "node": "node"}[found[1]] if found else command


def plugin_json(
    name: str,
    description: str,
    extension: Mapping[str, Any],
    *,
    version: str = "",
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`about` may hold author, homepage, repository, license and keywords; what is of another kind is left out."""
    about = about or {}
    texts = {k: v for k in ("homepage", "repository", "license") if isinstance(v := about.get(k), str) and v}
    repository = about.get("repository")
    if isinstance(repository, dict) and isinstance(repository.get("url"), str):
        texts["repository"] = repository["url"]
    author = about.get("author")
    author = {"name": author} if isinstance(author, str) else author if isinstance(author, dict) else {}
    author = {k: v for k in ("name", "email", "url") if isinstance(v := author.get(k), str) and v}
    keywords = about.get("keywords")
    words = [w for w in keywords if isinstance(w, str)] if isinstance(keywords, list) else []
    return {
        "$schema": PLUGIN_SCHEMA,
        "name": name,
        "version": one_line(version, 60) or "0.1.0",
        "description": one_line(description, 1000),
        **({"author": author} if author else {}),
        **texts,
        **({"keywords": words} if words else {}),
        "extensions": {EXTENSION: {"artifact": 1, **extension}},
    }


def mcp_json(name: str, recipe: Recipe) -> dict[str, Any]:
    server: dict[str, Any] = {"type": "stdio", "command": recipe.command, "args": list(recipe.args)}
    server |= {"env": dict(recipe.env)} if recipe.env else {}
    server |= {"cwd": recipe.cwd} if recipe.cwd != ROOT else {}
    return {"$schema": MCP_SCHEMA, "mcpServers": {name: server}}


def placed(text: str, places: Mapping[str, str]) -> str:
    """`text` with each of our variables (`${PLUGIN_ROOT}` ...) as another format spells it."""
    for ours, theirs in places.items():
        text = text.replace(ours, theirs)
    return text


def dump(value: Any) -> str:
    """JSON as all our manifests are written."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def texts(value: Any, where: str) -> list[str]:
    """A list of texts (numbers and booleans count as such). Raises FormatError."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise FormatError(where, "it has to be a list of texts")
    if not all(isinstance(item, str | int | float) for item in value):
        raise FormatError(where, "it has to hold texts only")
    return [item if isinstance(item, str) else json.dumps(item) for item in value]
