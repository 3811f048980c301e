"""Names and URIs of many servers in one list: reversible, free of collisions, their scheme kept.

A tool or prompt `x` of the artifact `lab` is listed as `lab__x`, a resource `ui://view/a` as `ui://lab__view/a`: a
client that acts on a scheme (`ui:`, `file:`) still knows it. Artifact names hold no underscore, so the first `__` tells
them apart again. With the empty prefix of a single mount everything keeps its own name.
"""

import re
from typing import Any

from harnessgym_mcp.core.names import SEPARATOR, join, split

__all__ = ["inner_name", "map_uris", "outer_name", "outer_uri", "split_uri"]

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:(?://)?)(.*)\Z", re.DOTALL)
_OWNER = re.compile(r"([a-z0-9][a-z0-9.-]*)__(.*)\Z", re.DOTALL)
_URI_KEYS = ("uri", "uriTemplate", "resourceUri", "ui/resourceUri")


def outer_name(artifact: str, name: str) -> str:
    return join(artifact, name) if artifact else name


def inner_name(name: str) -> tuple[str, str]:
    """`(artifact, own name)`; the artifact is empty where the name has none."""
    return split(name) or ("", name)


def outer_uri(artifact: str, uri: str) -> str:
    """A server's URI as it is listed; text that is no URI is given a scheme-less prefix."""
    if not artifact:
        return uri
    match = _URI.match(uri)
    head, rest = (match[1], match[2]) if match else ("", uri)
    return f"{head}{artifact}{SEPARATOR}{rest}"


def split_uri(uri: str) -> tuple[str, str]:
    """`(artifact, own URI)` of a listed URI; the artifact is empty where there is none."""
    match = _URI.match(uri)
    head, rest = (match[1], match[2]) if match else ("", uri)
    owned = _OWNER.match(rest)
    return (owned[1], head + owned[2]) if owned else ("", uri)


def map_uris(artifact: str, value: Any) -> Any:
    """A value with every `uri`, `uriTemplate` and `resourceUri` in it as it is listed."""
    if not artifact:
        return value
    if isinstance(value, dict):
        return {
            k: outer_uri(artifact, v) if k in _URI_KEYS and isinstance(v, str) else map_uris(artifact, v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [map_uris(artifact, v) for v in value]
    return value
