"""Does an answer hold what a self-test call expects? The meaning of `expect`, as docs/artifacts.md tells it."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harnessgym_mcp.core.manifest import Expect
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.qualify.checks.guarded import PatternTooSlow, search

__all__ = ["PathError", "look_up", "mismatches", "text_of"]

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(-?\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|\['([^']*)'\]")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_OPERATORS = frozenset({"approx", "tolerance", "min", "max", "type", "contains", "length", "matches", "exists"})


class PathError(ValueError):
    """A path is not of the form `$.a.b[0]`, or leads to nothing."""


def text_of(result: Mapping[str, Any]) -> str:
    """All text blocks of a result, one below the other."""
    blocks = result.get("content")
    blocks = blocks if isinstance(blocks, list) else []
    return "\n".join(b["text"] for b in blocks if isinstance(b, dict) and isinstance(b.get("text"), str))


def mismatches(expect: Expect, result: Mapping[str, Any]) -> list[str]:
    """In words, each expectation that does not hold; empty when all do."""
    return list(_mismatches(expect, result))


def _mismatches(expect: Expect, result: Mapping[str, Any]) -> Iterator[str]:
    text = text_of(result)
    if bool(result.get("isError")) != expect.isError:
        wanted = "an error (isError: true)" if expect.isError else "no error"
        yield f"expected {wanted}, got {_show(text)}"
        return
    if expect.text is not None and expect.text not in text:
        yield f"expected text that contains {_show(expect.text)}, got {_show(text)}"
    if expect.textEquals is not None and expect.textEquals.strip() != text.strip():
        yield f"expected the text {_show(expect.textEquals)}, got {_show(text)}"
    if expect.textMatches is not None:
        yield from _pattern(expect.textMatches, text, "text")
    if expect.structuredContent is not None:
        yield from _subset(expect.structuredContent, result.get("structuredContent"), "structuredContent", expect)
    if expect.json_:
        yield from _json(expect, result, text)


def _pattern(pattern: str, text: str, what: str) -> Iterator[str]:
    try:
        if not search(pattern, text):
            yield f"expected {what} that matches {_show(pattern)}, got {_show(text)}"
    except re.error as error:
        yield f"the pattern {_show(pattern)} is not a regular expression: {error}"
    except PatternTooSlow:
        yield f"the pattern {_show(pattern)} takes too long on this text"


def _subset(wanted: Any, got: Any, where: str, expect: Expect) -> Iterator[str]:
    """Objects by key, lists by position and length, numbers within the tolerance."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key, value in wanted.items():
            if key not in got:
                yield f"{where} has no {_show(key)}"
            else:
                yield from _subset(value, got[key], f"{where}.{key}", expect)
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for at, (want, have) in enumerate(zip(wanted, got, strict=True)):
            yield from _subset(want, have, f"{where}[{at}]", expect)
    elif not _same(wanted, got, expect.tolerance):
        yield f"expected {where} to be {_show(wanted)}, got {_show(got)}"


def _same(wanted: Any, got: Any, tolerance: float) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (wanted, got))
    if numbers:
        return math.isclose(wanted, got, rel_tol=tolerance, abs_tol=tolerance) or wanted == got
    return type(wanted) is type(got) and wanted == got


def _json(expect: Expect, result: Mapping[str, Any], text: str) -> Iterator[str]:
    value = result.get("structuredContent")
    if value is None:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            yield f"expected JSON in the text, got {_show(text)}"
            return
    for path, wanted in (expect.json_ or {}).items():
        yield from _at(value, path, wanted, expect)


def _at(value: Any, path: str, wanted: Any, expect: Expect) -> Iterator[str]:
    asks_absence = isinstance(wanted, dict) and wanted.get("exists") is False
    try:
        got = look_up(value, path)
    except PathError as error:
        if not asks_absence:
            yield str(error)
        return
    if isinstance(wanted, dict) and wanted and wanted.keys() <= _OPERATORS:
        yield from _operators(wanted, got, path, expect.tolerance)
    else:
        yield from _subset(wanted, got, path, expect)


def look_up(value: Any, path: str) -> Any:
    """The value at `$.a.b[0]["c d"]`; raises PathError where it leads to nothing."""
    if not path.startswith("$"):
        raise PathError(f"the path {_show(path)} does not begin with $")
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise PathError(f"the path {_show(path)} cannot be read from {_show(path[at:])} on")
        value = _step(value, step, path)
        at = step.end()
    return value


def _step(value: Any, step: re.Match[str], path: str) -> Any:
    if step[2] is not None:
        if isinstance(value, list) and -len(value) <= int(step[2]) < len(value):
            return value[int(step[2])]
    else:
        key = next(k for k in (step[1], step[3], step[4]) if k is not None)
        if isinstance(value, dict) and key in value:
            return value[key]
    raise PathError(f"there is nothing at {path}")


def _operators(wanted: dict[str, Any], got: Any, path: str, tolerance: float) -> Iterator[str]:
    tolerance = wanted.get("tolerance", tolerance)
    for operator, operand in wanted.items():
        test = _TESTS.get(operator)
        try:
            holds = test is None or test(got, operand, tolerance)
        except (TypeError, KeyError, re.error, PatternTooSlow):
            holds = False
        if not holds:
            yield f"expected {path} to have {operator} {_show(operand)}, got {_show(got)}"


_TESTS: Mapping[str, Callable[[Any, Any, float], bool]] = {
    "approx": lambda got, want, tolerance: _same(want, got, tolerance),
    "min": lambda got, want, _: not isinstance(got, bool) and got >= want,
    "max": lambda got, want, _: not isinstance(got, bool) and got <= want,
    "type": lambda got, want, _: isinstance(got, _TYPES[want]) and (want == "boolean" or not isinstance(got, bool)),
    "contains": lambda got, want, _: want in got,
    "length": lambda got, want, _: len(got) == want,
    "matches": lambda got, want, _: search(want, got),
    "exists": lambda _got, want, _: want is True,
}


def _show(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False, default=repr), 300)
