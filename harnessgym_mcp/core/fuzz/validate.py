"""Does a value keep a schema? Draft 2020-12 without `unevaluated*` and dynamic references; `format` is not asserted.

Small and quick to load: the clean room asks it about every answer. The tests hold it against `jsonschema`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from harnessgym_mcp.core.schemas import RefError, python_pattern, resolve

__all__ = ["is_valid", "type_of", "violations"]

_DEPTH = 60
Found = Iterator[tuple[str, str]]


def violations(schema: Any, value: Any, root: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    """`[(path, what)]` of all that is wrong with the value; empty when it is valid. `root` is where `$ref` starts.

    A pattern may be a stranger's: put a deadline around it.
    """
    whole = root if root is not None else schema if isinstance(schema, Mapping) else {}
    return list(_check(schema, value, whole, "$", 0))


def is_valid(schema: Any, value: Any, root: Mapping[str, Any] | None = None) -> bool:
    whole = root if root is not None else schema if isinstance(schema, Mapping) else {}
    return _holds(schema, value, whole, 0)


def type_of(value: Any) -> str:
    """JSON's name of a value's type; whole numbers are `integer`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) or value.is_integer() else "number"
    return "array" if isinstance(value, list) else "object"


def _holds(schema: Any, value: Any, root: Mapping[str, Any], depth: int) -> bool:
    return next(_check(schema, value, root, "$", depth), None) is None


def _check(schema: Any, value: Any, root: Mapping[str, Any], path: str, depth: int) -> Found:
    if not isinstance(schema, Mapping):
        if schema is False:
            yield path, "nothing is allowed here"
        return
    if depth > _DEPTH:
        yield path, "the schema does not come to an end"
        return
    if isinstance(schema.get("$ref"), str):
        try:
            yield from _check(resolve(root, schema["$ref"]), value, root, path, depth + 1)
        except RefError as error:
            yield path, str(error)
    yield from _scalars(schema, value, path)
    if isinstance(value, dict):
        yield from _object(schema, value, root, path, depth)
    elif isinstance(value, list):
        yield from _array(schema, value, root, path, depth)
    yield from _combined(schema, value, root, path, depth)


# ---- scalars


def _scalars(schema: Mapping[str, Any], value: Any, path: str) -> Found:
    kind = type_of(value)
    if "type" in schema:
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if kind not in wanted and not (kind == "integer" and "number" in wanted):
            yield path, f"is of type {kind}, not {' or '.join(map(str, wanted))}"
    if "const" in schema and not equal(schema["const"], value):
        yield path, f"is not {schema['const']!r:.80}"
    if isinstance(schema.get("enum"), list) and not any(equal(e, value) for e in schema["enum"]):
        yield path, f"is none of {schema['enum']!r:.120}"
    if isinstance(value, str):
        yield from _string(schema, value, path)
    elif kind in ("integer", "number"):
        yield from _number(schema, value, path)


def equal(a: Any, b: Any) -> bool:
    """JSON's equality: 1 is 1.0, and neither is true."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


def _string(schema: Mapping[str, Any], value: str, path: str) -> Found:
    if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", math.inf):
        yield path, f"has {len(value)} characters"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not compiled(pattern).search(value):
        yield path, f"does not match {pattern[:80]!r}"


@lru_cache(256)
def compiled(pattern: str) -> re.Pattern[str]:
    """An ECMA pattern as Python's; raises re.error."""
    return re.compile(python_pattern(pattern))


def _number(schema: Mapping[str, Any], value: float, path: str) -> Found:
    for keyword, breaks in _BOUNDS.items():
        bound = schema.get(keyword)
        if bound is not None and not isinstance(bound, bool) and breaks(value, bound):
            yield path, f"is {value}, against {keyword} {bound}"
    step = schema.get("multipleOf")
    if step and not _multiple(value, step):
        yield path, f"is no multiple of {step}"


_BOUNDS: Mapping[str, Callable[[float, float], bool]] = {
    "minimum": lambda v, b: v < b,
    "maximum": lambda v, b: v > b,
    "exclusiveMinimum": lambda v, b: v <= b,
    "exclusiveMaximum": lambda v, b: v >= b,
}


def _multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    quotient = value / step
    return math.isfinite(quotient) and quotient == int(quotient)


# ---- objects


def _object(schema: Mapping[str, Any], value: dict[str, Any], root: Mapping[str, Any], path: str, depth: int) -> Found:
    yield from _members(schema, value, path)
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    names = schema.get("propertyNames", True)
    for key, item in value.items():
        where = f"{path}.{key}"
        if names is not True and not _holds(names, key, root, depth + 1):
            yield where, "has a name that is not allowed"
        matched = [s for p, s in patterns.items() if compiled(p).search(key)]
        known = [properties[key], *matched] if key in properties else matched
        for part in known or [schema.get("additionalProperties", True)]:
            yield from _check(part, item, root, where, depth + 1)
    for key, part in schema.get("dependentSchemas", {}).items():
        if key in value:
            yield from _check(part, value, root, path, depth + 1)


def _members(schema: Mapping[str, Any], value: dict[str, Any], path: str) -> Found:
    for key in schema.get("required", []):
        if key not in value:
            yield path, f"lacks {key!r}"
    for key, others in schema.get("dependentRequired", {}).items():
        for other in others if key in value else ():
            if other not in value:
                yield path, f"lacks {other!r}, which {key!r} asks for"
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", math.inf):
        yield path, f"has {len(value)} properties"


# ---- arrays


def _array(schema: Mapping[str, Any], value: list[Any], root: Mapping[str, Any], path: str, depth: int) -> Found:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        yield path, f"has {len(value)} items"
    if schema.get("uniqueItems") is True and any(equal(a, b) for n, a in enumerate(value) for b in value[:n]):
        yield path, "has an item twice"
    first, rest = tuple_items(schema)
    for at, item in enumerate(value):
        part = first[at] if at < len(first) else rest
        yield from _check(part, item, root, f"{path}[{at}]", depth + 1)
    if "contains" in schema:
        count = sum(_holds(schema["contains"], item, root, depth + 1) for item in value)
        if not schema.get("minContains", 1) <= count <= schema.get("maxContains", math.inf):
            yield path, f"contains {count} of what it should contain"


def tuple_items(schema: Mapping[str, Any]) -> tuple[list[Any], Any]:
    """The schemas of the first items, one each, and the schema of all further ones."""
    items = schema.get("items", True)
    if isinstance(items, list):  # before 2020-12
        return items, schema.get("additionalItems", True)
    return list(schema.get("prefixItems", [])), items


# ---- combinations


def _combined(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any], path: str, depth: int) -> Found:
    for part in schema.get("allOf", []):
        yield from _check(part, value, root, path, depth + 1)
    if "anyOf" in schema and not any(_holds(p, value, root, depth + 1) for p in schema["anyOf"]):
        yield path, "keeps none of anyOf"
    if "oneOf" in schema:
        count = sum(_holds(p, value, root, depth + 1) for p in schema["oneOf"])
        if count != 1:
            yield path, f"keeps {count} of oneOf"
    if "not" in schema and _holds(schema["not"], value, root, depth + 1):
        yield path, "is what it must not be"
    if "if" in schema:
        branch = "then" if _holds(schema["if"], value, root, depth + 1) else "else"
        yield from _check(schema.get(branch, True), value, root, path, depth + 1)
