"""Tool definitions and result blocks have the types that MCP gives their fields: a client that checks them refuses the
whole list for one wrong field, and the whole answer for one wrong block.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harnessgym_mcp.core.text import one_line

__all__ = ["wrong_blocks", "wrong_fields"]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _icons(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(i, Mapping) and isinstance(i.get("src"), str) for i in value)


_TOOL: Mapping[str, Callable[[Any], bool]] = {
    "title": _text,
    "description": _text,
    "annotations": _object,
    "execution": _object,
    "icons": _icons,
    "_meta": _object,
}
_ANNOTATIONS: Mapping[str, Callable[[Any], bool]] = {
    "title": _text,
    **dict.fromkeys(("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"), _flag),
}
_BLOCKS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("data", "mimeType"),
    "audio": ("data", "mimeType"),
    "resource_link": ("uri", "name"),
}


def wrong_fields(tool: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`(field, what)` of each field that has not the type it must have."""
    for key, good in _TOOL.items():
        if key in tool and not good(tool[key]):
            yield key, f"{key} may not be {_shown(tool[key])}"
    annotations = tool.get("annotations")
    if isinstance(annotations, Mapping):
        for key, good in _ANNOTATIONS.items():
            if key in annotations and not good(annotations[key]):
                yield f"annotations.{key}", f"{key} may not be {_shown(annotations[key])}"
    for key in ("inputSchema", "outputSchema"):
        yield from _properties(tool.get(key), key)


def _properties(schema: Any, key: str) -> Iterator[tuple[str, str]]:
    """JSON Schema allows `true` for a property, MCP does not."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(part, bool):
            yield f"{key}.properties.{one_line(str(name), 60)}", f"a property's schema may not be {_shown(part)}"


def wrong_blocks(content: Any) -> Iterator[str]:
    """What is wrong with a result's `content`; a block of an unknown type is let pass."""
    if not isinstance(content, list):
        yield f"content is no list: {_shown(content)}"
        return
    for at, block in enumerate(content):
        kind = block.get("type") if isinstance(block, Mapping) else None
        if not isinstance(kind, str):
            yield f"content[{at}] is no block with a type: {_shown(block)}"
        elif missing := [f for f in _BLOCKS.get(kind, ()) if not isinstance(block.get(f), str)]:
            yield f"content[{at}] is of type {kind} and has no text for {', '.join(missing)}"
        elif kind == "resource" and not _is_resource(block.get("resource")):
            yield f"content[{at}] is a resource without uri, and text or blob"


def _is_resource(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("uri"), str) and bool({"text", "blob"} & set(value))


def _shown(value: Any) -> str:
    return one_line(repr(value), 120)
