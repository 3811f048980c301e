"""Two schemas as one: what keeps both. Exact for the usual keywords, a guess for the rest (the result is checked)."""

from collections.abc import Callable, Mapping
from typing import Any

from harnessgym_mcp.core.fuzz.validate import equal

__all__ = ["merge"]


def merge(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Neither argument is changed."""
    out = dict(a)
    for key, value in b.items():
        out[key] = _RULES.get(key, _later)(out[key], value) if key in out else value
    return out


def _later(_a: Any, b: Any) -> Any:
    return b


def _types(a: Any, b: Any) -> list[str]:
    first, second = (set(v if isinstance(v, list) else [v]) for v in (a, b))
    first |= {"integer"} if "number" in first else set()
    second |= {"integer"} if "number" in second else set()
    both = first & second
    return sorted(both - {"integer"} if "number" in both else both)


def _both(a: Any, b: Any) -> Any:
    if a is True or a == b:
        return b
    return a if b is True else {"allOf": [a, b]}


def _properties(a: Any, b: Any) -> dict[str, Any]:
    return {k: _both(a[k], b[k]) if k in a and k in b else a.get(k, b.get(k)) for k in {**a, **b}}


def _common(a: Any, b: Any) -> list[Any]:
    return [v for v in a if any(equal(v, w) for w in b)]


_RULES: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _common,
    "required": lambda a, b: list(dict.fromkeys([*a, *b])),
    "properties": _properties,
    "patternProperties": _properties,
    "additionalProperties": _both,
    "items": _both,
    "contains": _both,
    "propertyNames": _both,
    "not": lambda a, b: {"anyOf": [a, b]},
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"), min),
}
