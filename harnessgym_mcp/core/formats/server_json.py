"""`server.json` of the MCP registry (schema 2025-12-11): an artifact as one package of type mcpb."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harnessgym_mcp.core.formats.common import FormatError
from harnessgym_mcp.core.text import one_line

__all__ = ["SCHEMA", "namespace_of", "server_json"]

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
_NAMESPACE = re.compile(r"[a-zA-Z0-9.-]{1,100}\Z")
_FORGE = re.compile(r"https://(github|gitlab)\.com/([A-Za-z0-9-]+)/[^\s/]+")
_PUBLISHER = "io.modelcontextprotocol.registry/publisher-provided"


def namespace_of(plugin: Mapping[str, Any]) -> str:
    """`io.github.<user>` for an artifact whose repository is there, else `local`, which no registry takes."""
    found = _FORGE.match(str(plugin.get("repository") or ""))
    return f"io.{found[1]}.{found[2].lower()}" if found else "local"


def server_json(
    plugin: Mapping[str, Any],
    tools: Sequence[Mapping[str, Any]],
    digest: str,
    *,
    namespace: str,
    url: str,
    sha256: str,
) -> dict[str, Any]:
    """`url` is where the `.mcpb` will lie, `sha256` its 64 hexadecimal digits. Raises FormatError."""
    if not _NAMESPACE.match(namespace):
        raise FormatError("--namespace", f"{namespace[:80]!r} is no reverse-DNS name", hint="for example io.github.me")
    name, version = str(plugin["name"]), str(plugin.get("version") or "0.1.0")
    if re.search(r"[\^~*<>=|]|\blatest\b|\bx\b", version):
        raise FormatError("version", f"{version!r} is not one version", hint="set it in plugin.json")
    repository = _FORGE.match(str(plugin.get("repository") or ""))
    package = {
        "registryType": "mcpb",
        "identifier": url,
        "version": version,
        "fileSha256": sha256,
        "transport": {"type": "stdio"},
    }
    homepage = plugin.get("homepage")
    return {
        "$schema": SCHEMA,
        "name": f"{namespace}/{name}",
        "title": name,
        "description": one_line(str(plugin.get("description") or name), 90)[:100],
        "version": version,
        **({"repository": {"url": plugin["repository"], "source": repository[1]}} if repository else {}),
        **({"websiteUrl": homepage} if isinstance(homepage, str) and homepage.startswith("https://") else {}),
        "packages": [package],
        "_meta": {_PUBLISHER: {"harnessgym": {"digest": digest, "tools": [str(t["name"]) for t in tools]}}},
    }
