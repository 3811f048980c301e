"""The catalog: an immutable snapshot of every listed tool, ready to be sent, and the way from a name to its mount.

Order is fixed: own tools first, then by namespace, then by tool name. Definitions are those recorded at
qualification; only the name and the annotations differ. A generated server's annotations are claims, so the
published ones are derived from the sandbox that is enforced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Raw, Struct

from harnessgym_mcp.core import names
from harnessgym_mcp.core.digest import canonical, sha256
from harnessgym_mcp.core.frames import encode
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.namespace import map_uris

__all__ = ["Catalog", "Route", "Tool", "annotations", "build"]

_CONFINED = ("A", "B", "C")


class Route(Struct, frozen=True, eq=False):
    """Where a listed name leads, in one catalog: no two are equal."""

    artifact: str
    digest: str
    tool: str
    spelt: Raw  # the tool's name as JSON


@dataclass(frozen=True, slots=True)
class Tool:
    """One listed tool; `json` is its definition as sent."""

    name: str
    artifact: str  # "" for an own tool
    definition: Mapping[str, Any]
    json: bytes


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a client sees at one moment."""

    tools: tuple[Tool, ...]
    routes: Mapping[str, Route]
    fingerprint: str  # equal for equal lists
    hidden: frozenset[str] = frozenset()  # artifacts that are mounted and found, but not listed

    @property
    def listed(self) -> tuple[Tool, ...]:
        """What `tools/list` gives."""
        return tuple(t for t in self.tools if t.artifact not in self.hidden) if self.hidden else self.tools

    def hiding(self, artifacts: frozenset[str]) -> "Catalog":
        """The same catalog with some artifacts left out of the list."""
        hidden = artifacts & {t.artifact for t in self.tools}
        new = Catalog(self.tools, self.routes, "", hidden)
        return Catalog(self.tools, self.routes, _fingerprint(new.listed), hidden)

    def resolve(self, name: str) -> str | None:
        """The listed name behind any spelling that a client may use for it."""
        if name in self.routes:
            return name
        wanted = names.sanitised(names.unprefixed(name))
        found = [known for known in self.routes if names.sanitised(known) == wanted]
        return found[0] if len(found) == 1 else None


def annotations(version: Version, claimed: Mapping[str, Any]) -> dict[str, Any]:
    """Hints that hold because the sandbox enforces them; outside a sandbox the careful ones."""
    launch = version.launch
    confined = launch is not None and version.tier in _CONFINED
    writes = not confined or (launch is not None and launch.permissions.workspace == "write")
    online = not confined or (launch is not None and bool(launch.permissions.network))
    title = {"title": claimed["title"]} if isinstance(claimed.get("title"), str) else {}
    return title | {"readOnlyHint": not writes, "destructiveHint": writes, "openWorldHint": online}


def _as_it_is(artifact: str, definition: Mapping[str, Any]) -> Tool:
    return Tool(str(definition["name"]), artifact, definition, encode(definition))


def _publish(artifact: str, version: Version, definition: Mapping[str, Any]) -> Tool:
    name = names.join(artifact, str(definition["name"]))
    claimed = definition.get("annotations")
    # A tool may name a page of its server in `_meta` (`ui.resourceUri`); schemas are nobody's to rewrite.
    meta = {"_meta": map_uris(artifact, definition["_meta"])} if "_meta" in definition else {}
    public = (
        dict(definition)
        | meta
        | {
            "name": name,
            "annotations": annotations(version, claimed if isinstance(claimed, dict) else {}),
        }
    )
    return Tool(name, artifact, public, encode(public))


def build(own: Sequence[Mapping[str, Any]], versions: Mapping[str, Version], *, prefixed: bool = True) -> Catalog:
    """From the own tools' definitions and each mounted artifact's version. Without prefixes (one mount, for tests of
    fidelity) definitions stay as the server listed them, in its order."""
    tools = [Tool(str(d["name"]), "", d, encode(d)) for d in own]
    routes: dict[str, Route] = {}
    for artifact in sorted(versions):
        version = versions[artifact]
        in_order = sorted(version.tools, key=lambda d: str(d["name"])) if prefixed else version.tools
        for definition in in_order:
            tool = _publish(artifact, version, definition) if prefixed else _as_it_is(artifact, definition)
            tools.append(tool)
            routes[tool.name] = Route(artifact, version.digest, name := str(definition["name"]), Raw(encode(name)))
    return Catalog(tuple(tools), routes, _fingerprint(tools))


def _fingerprint(tools: Iterable[Tool]) -> str:
    return sha256(canonical([sha256(t.json) for t in tools]))
