"""Near-valid values: a valid one with one thing wrong, and the words for what is wrong."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harnessgym_mcp.core.fuzz.generate import Generator, Unsatisfiable
from harnessgym_mcp.core.fuzz.validate import is_valid, type_of
from harnessgym_mcp.core.schemas import RefError, resolve

__all__ = ["Spoilt", "spoilt"]

_LEVELS = 3  # down into objects and lists
_OTHERS: Mapping[str, Any] = {
    "string": "not what was asked for",
    "integer": 7,
    "number": 0.5,
    "boolean": True,
    "object": {"unexpected": {"nested": [1, None]}},
    "array": [1, "two", None],
    "null": None,
}


class Spoilt(NamedTuple):
    """A value that breaks the schema, and how."""

    value: Any
    what: str


def spoilt(schema: Mapping[str, Any], seed: int = 0) -> Iterator[Spoilt]:
    """Values of an object's schema, each with one fault; none that the schema would allow after all.

    Ends early where no valid value can be made to begin with.
    """
    generator = Generator(schema, seed)
    try:
        good = generator.of({"allOf": [schema, {"type": "object"}]})
    except Unsatisfiable:
        good = {}
    for candidate in _candidates(schema, schema, good, generator, 0):
        if not is_valid(schema, candidate.value):
            yield candidate


def _candidates(
    root: Mapping[str, Any], schema: Any, good: dict[str, Any], generator: Generator, level: int
) -> Iterator[Spoilt]:
    schema = _plain(root, schema)
    for key in schema.get("required", []):
        yield Spoilt({k: v for k, v in good.items() if k != key}, f"{key!r} is missing")
    for key, part in schema.get("properties", {}).items():
        try:
            whole = good if key in good else {**good, key: generator.of(part)}
        except Unsatisfiable:
            continue
        for value, what in _wrong(root, part, whole[key], generator, level):
            spoilt_one = copy.deepcopy(whole)
            spoilt_one[key] = value
            yield Spoilt(spoilt_one, f"{key!r} {what}")
    if schema.get("additionalProperties") is False:
        yield Spoilt({**good, "no_such_argument": 1}, "'no_such_argument' is unknown")


def _plain(root: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Through references to the schema itself."""
    for _ in range(20):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            break
        try:
            schema = {**resolve(root, schema["$ref"]), **{k: v for k, v in schema.items() if k != "$ref"}}
        except (RefError, TypeError):
            break
    return schema if isinstance(schema, Mapping) else {}


def _wrong(
    root: Mapping[str, Any], part: Any, good: Any, generator: Generator, level: int
) -> Iterator[tuple[Any, str]]:
    part = _plain(root, part)
    kinds = part.get("type", type_of(good))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    for kind, value in _OTHERS.items():
        if kind not in kinds:
            yield value, f"is of type {kind}"
    if "enum" in part or "const" in part:
        yield "no such choice", "is none of the choices"
    yield from _numbers(part)
    yield from _texts(part)
    if level < _LEVELS:
        yield from _nested(root, part, good, generator, level + 1)


def _numbers(part: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    for key, shift in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0), ("exclusiveMaximum", 0)):
        bound = part.get(key)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            yield bound + shift, f"is against {key} {bound}"
    if part.get("type") == "integer":
        yield 1.5, "is no whole number"
    if part.get("type") in ("integer", "number"):
        yield "12", "is a number in quotes"


def _texts(part: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    if part.get("minLength", 0) > 0:
        yield "x" * (int(part["minLength"]) - 1), f"is shorter than {part['minLength']}"
    if "maxLength" in part and part["maxLength"] < 100_000:
        yield "x" * (int(part["maxLength"]) + 1), f"is longer than {part['maxLength']}"
    if "pattern" in part:
        yield "\x01 does not match ~~", "does not match its pattern"


def _nested(
    root: Mapping[str, Any], part: Mapping[str, Any], good: Any, generator: Generator, level: int
) -> Iterator[tuple[Any, str]]:
    """One level down: the first item of a list, the members of an object."""
    if isinstance(good, dict) and good:
        for candidate in _candidates(root, part, good, generator, level):
            yield candidate.value, f"has inside: {candidate.what}"
    if isinstance(good, list):
        if part.get("maxItems") is not None and part["maxItems"] < 1000:
            yield [*good, *[None] * (int(part["maxItems"]) + 1)], f"has more than {part['maxItems']} items"
        if part.get("minItems", 0) > 0:
            yield [], f"has fewer than {part['minItems']} items"
        if good and isinstance(part.get("items"), Mapping):
            for value, what in _wrong(root, part["items"], good[0], generator, level):
                yield [value, *good[1:]], f"has an item that {what}"
