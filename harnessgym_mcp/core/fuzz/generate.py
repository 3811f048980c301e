"""Valid values: seeded, small, at the edges as often as within them.

A value is built from the schema with its combinations chosen and merged, or is one of its examples and defaults, and
then checked against the schema as it stands; what cannot be built in some tries is Unsatisfiable for us, whether or not
it is for a mathematician.
"""

import math
import random
from collections.abc import Mapping
from typing import Any

from harnessgym_mcp.core.fuzz.merge import merge
from harnessgym_mcp.core.fuzz.strings import FORMATS, TRICKY, from_pattern, of_length
from harnessgym_mcp.core.fuzz.validate import is_valid, tuple_items
from harnessgym_mcp.core.schemas import RefError, resolve

__all__ = ["Generator", "Unsatisfiable"]

_TRIES = 40
_BUILDS = 400  # parts built for one value, failed tries included
_DEPTH = 8
_BIG = 100  # numbers and lengths beyond this are used only where a bound names them
_EDGE = 10_000  # and bounds beyond this are not: an honest tool may be slow there
_GIVEN = 0.4  # how often an example or a default is taken where there is one
_NUMBERS = (0, 1, 2, 3, 7, 10, 42, -1, 0.5, 2.25)


class Unsatisfiable(ValueError):
    """No valid value was found."""


class Generator:
    """A source of valid values of one schema. The same seed gives the same values."""

    def __init__(self, schema: Mapping[str, Any], seed: int = 0) -> None:
        self.schema = schema
        self.random = random.Random(seed)
        self._left = 0
        self._tricky = seed

    def value(self) -> Any:
        """The next value; raises Unsatisfiable, re.error for an illegal pattern."""
        return self.of(self.schema)

    def of(self, schema: Any) -> Any:
        """A valid value of any part of the schema; raises as `value` does."""
        self._left = _BUILDS
        return self._of(schema, 0)

    def _of(self, schema: Any, depth: int) -> Any:
        if depth > 2 * _DEPTH:
            raise Unsatisfiable("the schema does not come to an end")
        for _ in range(_TRIES):
            self._left -= 1
            if self._left < 0:
                break
            try:
                value = self._build(self._flat(schema, 0), depth)
            except (RefError, Unsatisfiable):
                continue
            if is_valid(schema, value, self.schema):
                return value
        raise Unsatisfiable(f"no valid value found for {schema!r:.200}")

    # ---- one schema without combinations

    def _flat(self, schema: Any, depth: int) -> dict[str, Any]:
        if schema is False or depth > 30:
            raise Unsatisfiable("nothing is allowed here")
        if not isinstance(schema, Mapping):
            return {}
        flat = {k: v for k, v in schema.items() if k not in ("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else")}
        if isinstance(schema.get("$ref"), str):
            flat = merge(flat, self._flat(resolve(self.schema, schema["$ref"]), depth + 1))
        for part in schema.get("allOf", []):
            flat = merge(flat, self._flat(part, depth + 1))
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                flat = merge(flat, self._flat(self.random.choice(schema[key]), depth + 1))
        if "if" in schema:
            branch = self.random.choice((["if", "then"], ["else"]))
            for key in branch:
                flat = merge(flat, self._flat(schema.get(key, True), depth + 1))
        return flat

    def _build(self, flat: dict[str, Any], depth: int) -> Any:
        if "const" in flat:
            return flat["const"]
        if flat.get("enum"):
            return self.random.choice(flat["enum"])
        if (given := _given(flat)) and self.random.random() < _GIVEN:
            return self.random.choice(given)
        match self._type(flat):
            case "object":
                return self._object(flat, depth)
            case "array":
                return self._array(flat, depth)
            case "string":
                return self._string(flat)
            case "integer":
                return self._number(flat, whole=True)
            case "number":
                return self._number(flat, whole=self.random.random() < 0.5)
            case "boolean":
                return self.random.random() < 0.5
        return None

    def _type(self, flat: Mapping[str, Any]) -> str:
        kinds = flat.get("type")
        if kinds is None:
            kinds = [_implied(flat)] if _implied(flat) else ["string", "integer", "boolean", "null", "object"]
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not kinds:
            raise Unsatisfiable("no type is left")
        return str(self.random.choice(kinds))

    # ---- by type

    def _object(self, flat: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = flat.get("properties", {})
        required = list(flat.get("required", []))
        chosen = dict.fromkeys(required)
        optional = [k for k, part in properties.items() if k not in chosen and part is not False]
        if depth < _DEPTH - 1 and depth < 5:
            share = self.random.choice((0.0, 0.5, 1.0))
            chosen.update(dict.fromkeys(k for k in optional if self.random.random() < share))
        for key in list(chosen):
            chosen.update(dict.fromkeys(flat.get("dependentRequired", {}).get(key, [])))
        least, most = flat.get("minProperties", 0), flat.get("maxProperties", math.inf)
        spare = [k for k in optional if k not in chosen]
        while len(chosen) < least and spare:
            chosen[spare.pop()] = None
        value = {key: self._of(properties.get(key, self._unnamed(flat, key)), depth + 1) for key in chosen}
        while len(value) < least:
            value.update(self._invented(flat, depth))
        while len(value) > most and (extra := [k for k in value if k not in required]):
            del value[extra[-1]]
        if not properties and least == 0 and depth < 3 and isinstance(flat.get("additionalProperties"), Mapping):
            value.update(self._invented(flat, depth))
        return value

    def _unnamed(self, flat: Mapping[str, Any], key: str) -> Any:
        parts = [s for p, s in flat.get("patternProperties", {}).items() if is_valid({"pattern": p}, key)]
        return {"allOf": parts} if parts else flat.get("additionalProperties", True)

    def _invented(self, flat: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """One member with a name that the schema does not give."""
        patterns = list(flat.get("patternProperties", {}))
        names = flat.get("propertyNames")
        if patterns:
            key = from_pattern(self.random.choice(patterns), self.random)
        elif names is not None:
            key = str(self._of(merge({"type": "string"}, dict(names)) if isinstance(names, Mapping) else names, depth))
        else:
            key = f"key{self.random.randint(0, 99)}"
        return {key: self._of(self._unnamed(flat, key), depth + 1)}

    def _array(self, flat: Mapping[str, Any], depth: int) -> list[Any]:
        first, rest = tuple_items(flat)
        least = max(flat.get("minItems", 0), flat.get("minContains", 1) if "contains" in flat else 0)
        most = min(flat.get("maxItems", math.inf), least + 4 if rest is not False else len(first))
        if depth >= _DEPTH - 1:
            most = least
        if most < least:
            raise Unsatisfiable("an array of no possible length")
        length = self.random.choice((least, int(most), self.random.randint(least, int(most))))
        value = [self._item(flat, first[n] if n < len(first) else rest, n, depth) for n in range(length)]
        return _without_repeats(value, least) if flat.get("uniqueItems") is True else value

    def _item(self, flat: Mapping[str, Any], part: Any, at: int, depth: int) -> Any:
        wanted = flat.get("minContains", 1) if "contains" in flat else 0
        both = {"allOf": [part, flat["contains"]]} if at < wanted else part
        return self._of(both, depth + 1)

    def _string(self, flat: Mapping[str, Any]) -> str:
        least, most = int(flat.get("minLength", 0)), flat.get("maxLength", math.inf)
        if isinstance(flat.get("pattern"), str):
            return from_pattern(flat["pattern"], self.random)
        if flat.get("format") in FORMATS:
            return FORMATS[flat["format"]](self.random)
        for _ in range(len(TRICKY) if self.random.random() < 0.8 else 0):
            self._tricky = (self._tricky + 7) % len(TRICKY)  # in a fixed order, so that few values show them all
            if least <= len(TRICKY[self._tricky]) <= most:
                return TRICKY[self._tricky]
        return of_length(self.random, least, int(min(most, least + _BIG)))

    def _number(self, flat: Mapping[str, Any], whole: bool) -> float:
        low, high = _bounds(flat, whole)
        step = flat.get("multipleOf", 1 if whole else 0)
        if step:
            return _on_grid(self.random, low, high, step)
        ends = [e for e in (low, high) if abs(e) <= _EDGE] or [e for e in (low, high) if math.isfinite(e)]
        inner = [n for n in _NUMBERS if low <= n <= high]
        between = self.random.uniform(max(low, -_BIG), min(high, _BIG)) if low <= _BIG and high >= -_BIG else low
        return self.random.choice([*ends, *inner, round(between, 3)])


def _given(flat: Mapping[str, Any]) -> list[Any]:
    """The author's own values, which JSON Schema does not promise to be valid: they are checked like what we build."""
    examples = flat.get("examples")
    return [*(examples if isinstance(examples, list) else ()), *([flat["default"]] if "default" in flat else ())]


def _implied(flat: Mapping[str, Any]) -> str:
    """The type that a schema means and does not say."""
    keys = flat.keys()
    if keys & {"properties", "required", "additionalProperties", "minProperties", "patternProperties"}:
        return "object"
    if keys & {"items", "prefixItems", "minItems", "contains", "uniqueItems"}:
        return "array"
    if keys & {"pattern", "minLength", "maxLength", "format"}:
        return "string"
    return "number" if keys & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} else ""


def _bounds(flat: Mapping[str, Any], whole: bool) -> tuple[float, float]:
    low, high = flat.get("minimum", -math.inf), flat.get("maximum", math.inf)
    tiny = 1 if whole else 1e-6
    if "exclusiveMinimum" in flat:
        low = max(low, flat["exclusiveMinimum"] + tiny)
    if "exclusiveMaximum" in flat:
        high = min(high, flat["exclusiveMaximum"] - tiny)
    if low > high:
        raise Unsatisfiable("no number lies between the bounds")
    return low, high


def _on_grid(random: random.Random, low: float, high: float, step: float) -> float:
    """A multiple of `step` within the bounds, an edge as often as not."""
    first = math.ceil(low / step) if math.isfinite(low) else None
    last = math.floor(high / step) if math.isfinite(high) else None
    if first is not None and last is not None and first > last:
        raise Unsatisfiable("no multiple lies between the bounds")
    start = first if first is not None else (min(last, 0) - 3 if last is not None else -3)
    stop = last if last is not None else start + 2 * _BIG
    edges = [n for n in (first, last) if n is not None and abs(n * step) <= _EDGE] or [start]
    small = [n for n in (0, 1, 2, 3, 10) if start <= n <= stop]
    return random.choice([*edges, *small, random.randint(start, min(stop, start + 2 * _BIG))]) * step


def _without_repeats(items: list[Any], least: int) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not any(is_valid({"const": other}, item) for other in kept):
            kept.append(item)
    if len(kept) < least:
        raise Unsatisfiable("not enough different items")
    return kept
