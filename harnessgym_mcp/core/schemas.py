"""JSON Schema, read as a stranger's: is it legal, where do its references lead?

Structure only, and only the keywords of draft 2020-12 (with `definitions` and tuple `items` of older drafts) that
change what a value may be. Values are validated by `jsonschema`, which takes 80 ms to load; this takes none.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["TYPES", "RefError", "children", "problems", "python_pattern", "resolve"]

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_DEPTH = 40

_ONE = ("not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "unevaluatedProperties",
        "unevaluatedItems", "additionalItems")  # fmt: skip
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


class RefError(ValueError):
    """A `$ref` that leads out of the schema, to nothing, or round in a circle."""


def resolve(root: Mapping[str, Any], ref: str) -> Any:
    """What a local reference (`#`, `#/$defs/x`, `#anchor`) stands for; raises RefError."""
    if not ref.startswith("#"):
        raise RefError(f"the reference {ref[:200]!r} leads out of the schema")
    if ref == "#":
        return root
    if not ref.startswith("#/"):
        return _anchor(root, ref[1:])
    value: Any = root
    for part in ref[2:].split("/"):
        value = _step(value, part.replace("~1", "/").replace("~0", "~"), ref)
    return value


def _follow(root: Mapping[str, Any], ref: str) -> None:
    """To where a reference leads in the end. Raises RefError, also for a chain that never gets anywhere."""
    seen = {ref}
    target = resolve(root, ref)
    while isinstance(target, Mapping) and isinstance(target.get("$ref"), str):
        if target["$ref"] in seen:
            raise RefError(f"the reference {ref[:200]!r} leads round in a circle")
        seen.add(target["$ref"])
        target = resolve(root, target["$ref"])


def _step(value: Any, part: str, ref: str) -> Any:
    if isinstance(value, Mapping) and part in value:
        return value[part]
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    raise RefError(f"the reference {ref[:200]!r} leads to nothing")


def _anchor(root: Any, name: str, depth: int = 0) -> Any:
    if depth < _DEPTH and isinstance(root, Mapping):
        if root.get("$anchor") == name:
            return root
        for child in root.values():
            try:
                return _anchor(child, name, depth + 1)
            except RefError:
                continue
    raise RefError(f"no part of the schema has the anchor {name[:200]!r}")


def problems(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`[(path, what)]` of all that makes a tool's schema illegal; its root has to be an object's schema."""
    found = list(_walk(schema, schema, "", 0))
    if schema.get("type") != "object":
        found.insert(0, ("", f'the type of the whole is {schema.get("type")!r}; MCP wants "object"'))
    return found


def _walk(schema: Any, root: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield path, f"a schema is an object or a boolean, not {type(schema).__name__}"
        return
    if depth > _DEPTH:
        yield path, f"nested deeper than {_DEPTH}"
        return
    for keyword, value in schema.items():
        yield from _keyword(keyword, value, root, f"{path}.{keyword}")
    for child, where in children(schema, path):
        yield from _walk(child, root, where, depth + 1)


def children(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[Any, str]]:
    """Each schema directly within a schema, with its path."""
    for key in _ONE:
        if key in schema:
            yield schema[key], f"{path}.{key}"
    for key in _MANY:
        if isinstance(schema.get(key), list):
            yield from ((item, f"{path}.{key}[{at}]") for at, item in enumerate(schema[key]))
    for key in _NAMED:
        if isinstance(schema.get(key), Mapping):
            yield from ((item, f"{path}.{key}.{name}") for name, item in schema[key].items())
    items = schema.get("items")
    if isinstance(items, list):
        yield from ((item, f"{path}.items[{at}]") for at, item in enumerate(items))
    elif items is not None:
        yield items, f"{path}.items"


def _keyword(keyword: str, value: Any, root: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if keyword == "$ref" and isinstance(value, str):
        try:
            _follow(root, value)
        except RefError as error:
            yield path, str(error)
        return
    rule = _RULES.get(keyword)
    if rule is not None and (what := rule(value)):
        yield path, what


def _type(value: Any) -> str:
    kinds = value if isinstance(value, list) else [value]
    wrong = [k for k in kinds if k not in TYPES]
    return f"{wrong[0]!r:.80} is not a type; the types are {', '.join(TYPES)}" if wrong or not kinds else ""


def _number(value: Any) -> str:
    return (
        ""
        if isinstance(value, int | float) and not isinstance(value, bool)
        else f"a number is needed, not {value!r:.80}"
    )


def _count(value: Any) -> str:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value)
    return "" if good else f"a count is needed, not {value!r:.80}"


def _positive(value: Any) -> str:
    return _number(value) or ("" if value > 0 else "must be above 0")


def _strings(value: Any) -> str:
    good = isinstance(value, list) and all(isinstance(v, str) for v in value)
    return "" if good else f"a list of names is needed, not {value!r:.80}"


def _list(value: Any) -> str:
    return "" if isinstance(value, list) and value else f"a list with something in it is needed, not {value!r:.80}"


def _mapping(value: Any) -> str:
    return "" if isinstance(value, Mapping) else f"an object is needed, not {value!r:.80}"


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        return f"a regular expression is needed, not {value!r:.80}"
    try:
        re.compile(python_pattern(value))
    except (re.error, RecursionError, OverflowError) as error:
        return f"{value[:120]!r} is not a regular expression: {error}"
    return ""


def python_pattern(pattern: str) -> str:
    """ECMA 262 spellings that Python lacks, well enough to tell whether a pattern is legal."""
    pattern = re.sub(r"\\[pP]\{[^}]*\}", r"\\w", pattern)
    pattern = re.sub(r"\\u\{[0-9a-fA-F]+\}|\\c[A-Za-z]", "x", pattern)
    return re.sub(r"\\/", "/", re.sub(r"\(\?<([A-Za-z_]\w*)>", r"(?P<\1>", pattern))


_RULES: Mapping[str, Callable[[Any], str]] = {
    "type": _type,
    "enum": _list,
    "required": _strings,
    "pattern": _pattern,
    "multipleOf": _positive,
    **dict.fromkeys(("minimum", "maximum"), _number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _count),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), _list),
    **dict.fromkeys(_NAMED, _mapping),
}
