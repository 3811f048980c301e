"""What goes into a tool and comes out of it: arguments checked, answers made legal. The same file in each artifact."""

import re
from typing import Any


class ToolError(Exception):
    """The caller can do something about it; the message says what. Becomes a result with isError: true."""


def arguments(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with these members and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "array": (list,), "object": (dict,),
}  # fmt: skip


def taken(value: Any, schema: dict[str, Any], where: str) -> Any:
    """The value, if it keeps its schema (whole numbers made integers); else a ToolError that tells what is wrong.

    Of JSON Schema this knows what the tools' schemas use: type, enum, bounds, lengths, pattern, items, members.
    """
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise ToolError(f"{where or 'the whole of the arguments'} has to be of type {' or '.join(kinds)}")
    if "enum" in schema and value not in schema["enum"]:
        raise ToolError(f"{where} has to be one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, str):
        return _taken_text(value, schema, where)
    if isinstance(value, list):
        _in_bounds(len(value), schema, "Items", f"the number of items in {where}")
        return [taken(item, schema.get("items", {}), f"{where}[{at}]") for at, item in enumerate(value)]
    if isinstance(value, dict):
        return _taken_object(value, schema, where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _taken_number(value, schema, where)
    return value


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind])


def _in_bounds(value: float, schema: dict[str, Any], word: str, where: str) -> None:
    least, most = (schema.get(f"m{end}{word}" if word else f"m{end}imum") for end in ("in", "ax"))
    if least is not None and value < least:
        raise ToolError(f"{where} is {value}; at least {least} is needed")
    if most is not None and value > most:
        raise ToolError(f"{where} is {value}; at most {most} is allowed")


def _taken_text(value: str, schema: dict[str, Any], where: str) -> str:
    _in_bounds(len(value), schema, "Length", f"the length of {where}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise ToolError(f"{where} has to match {schema['pattern']}")
    return value


def _taken_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> dict[str, Any]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    _in_bounds(len(value), schema, "Properties", f"the number of members of {where}")
    for name in schema.get("required", []):
        if name not in value:
            raise ToolError(f"{_at(where, name)} is missing")
    for name in value:
        if name not in properties and others is False:
            raise ToolError(f"{_at(where, name)} is unknown; known are: {', '.join(properties) or 'none'}")
    default = others if isinstance(others, dict) else {}
    return {name: taken(item, properties.get(name, default), _at(where, name)) for name, item in value.items()}


def _at(where: str, name: str) -> str:
    return f"{where}.{name[:100]}" if where else name[:100]


def _taken_number(value: float, schema: dict[str, Any], where: str) -> float:
    if "type" in schema and (value != value or value in (float("inf"), float("-inf"))):
        raise ToolError(f"{where} has to be a finite number")
    _in_bounds(value, schema, "", where)
    return int(value) if schema.get("type") == "integer" else value


# ---- answers

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without control characters, halves of characters, and marks that turn the direction of writing."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def plain(value: Any) -> Any:
    """What JSON can say: texts cleaned, numbers that are not finite as text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def rounded(value: float, digits: int = 6) -> float:
    """To significant digits: a measurement has no more."""
    return float(f"{value:.{digits}g}")
