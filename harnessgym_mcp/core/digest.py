"""Digests: of trees (from their entries) and of tool definitions (pins)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["canonical", "pin", "pins", "sha256", "tree_digest"]

PINNED = (
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
    "icons",
    "_meta",
    "execution",
)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces, ASCII; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def tree_digest(entries: Iterable[tuple[str, bool, str]]) -> str:
    """Digest of a tree from `(relative path with '/', executable, sha256 of the content)` of each file."""
    whole = hashlib.sha256()
    for path, executable, content in sorted(entries):
        whole.update(b"%d %s %s\n" % (executable, json.dumps(path).encode(), content.encode()))
    return "sha256:" + whole.hexdigest()


def pin(definition: Mapping[str, Any]) -> str:
    """Digest of all of a tool's definition that a model or client acts on."""
    return sha256(canonical({key: definition[key] for key in PINNED if key in definition}))


def pins(definitions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tool name -> pin."""
    return {str(d["name"]): pin(d) for d in definitions}
