"""Texts: of a format, of a pattern, of a length; and those that have broken programs before."""

import random
from collections.abc import Callable, Mapping
from re import _constants as sre  # type: ignore[attr-defined]  # private, and the only parser that agrees with `re`
from re import _parser  # type: ignore[attr-defined]  # as above
from typing import Any

from harnessgym_mcp.core.schemas import python_pattern

__all__ = ["FORMATS", "TRICKY", "from_pattern", "of_length"]

TRICKY = (
    "",
    "a",
    "hello world",
    "naïve café ☕ 🦊",
    "שלום עולם",
    "汉字かな交じり文",
    "0",
    "-1",
    "null",
    "../../etc/passwd",
    "a'b\"c;--",
    "<b>&amp;</b>",
    "line one\nline two\ttab",
    "%s %d {0} {x} ${HOME} $(id)",
    "e\u0301\u0327" * 3,
    "x" * 2000,
    "a" * 40 + "!",
    "1" * 40 + "x",
    " " * 40 + "x",
    "ab" * 24 + "\n!",
)
"""Ends, scripts, quoting, and the repetitions on which a careless regular expression never comes to an end."""

FORMATS: Mapping[str, Callable[[random.Random], str]] = {
    "date": lambda r: f"{r.randint(1970, 2037)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
    "time": lambda r: f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:00Z",
    "date-time": lambda r: f"20{r.randint(10, 37)}-0{r.randint(1, 9)}-1{r.randint(0, 9)}T0{r.randint(0, 9)}:30:00Z",
    "duration": lambda r: f"P{r.randint(1, 30)}DT{r.randint(1, 23)}H",
    "email": lambda r: f"user{r.randint(0, 999)}@example.com",
    "idn-email": lambda r: f"user{r.randint(0, 999)}@example.com",
    "hostname": lambda r: f"host-{r.randint(0, 999)}.example.com",
    "ipv4": lambda r: f"192.0.2.{r.randint(0, 255)}",
    "ipv6": lambda r: f"2001:db8::{r.randint(0, 65535):x}",
    "uri": lambda r: f"https://example.com/{r.randint(0, 999)}?q=1",
    "uri-reference": lambda r: f"/path/{r.randint(0, 999)}",
    "iri": lambda r: f"https://example.com/{r.randint(0, 999)}",
    "uuid": lambda r: f"{r.getrandbits(32):08x}-0000-4000-8000-{r.getrandbits(48):012x}",
    "json-pointer": lambda r: f"/a/{r.randint(0, 9)}",
    "regex": lambda r: r.choice(("a+", "^x$", "[0-9]{2}")),
    "byte": lambda r: r.choice(("", "aGVsbG8=", "AA==")),
}

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 _-."
_MOST_REPEATS = 6


def of_length(random: random.Random, least: int, most: int) -> str:
    """A text of legal length, an edge as often as not."""
    length = random.choice((least, most, random.randint(least, most)))
    return "".join(random.choice(_LETTERS) for _ in range(length))


def from_pattern(pattern: str, random: random.Random) -> str:
    """A text that the pattern is found in, as far as it can be made: lookarounds and word boundaries are passed over,
    so check it. Raises re.error for an illegal pattern."""
    return _sequence(_parser.parse(python_pattern(pattern)), random, {})


def _sequence(nodes: Any, random: random.Random, groups: dict[int, str]) -> str:
    return "".join(_node(kind, value, random, groups) for kind, value in nodes)


def _node(kind: Any, value: Any, random: random.Random, groups: dict[int, str]) -> str:
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, most, inner = value
        count = random.randint(least, max(least, min(most, least + _MOST_REPEATS)))
        return "".join(_sequence(inner, random, groups) for _ in range(count))
    if kind is sre.SUBPATTERN:
        number, _, _, inner = value
        groups[number] = _sequence(inner, random, groups)
        return groups[number]
    if kind is sre.BRANCH:
        return _sequence(random.choice(value[1]), random, groups)
    if kind is sre.GROUPREF:
        return groups.get(value, "")
    if kind is sre.ATOMIC_GROUP:
        return _sequence(value, random, groups)
    return _character(kind, value, random)


def _character(kind: Any, value: Any, random: random.Random) -> str:
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.ANY:
        return random.choice(_LETTERS)
    if kind is sre.NOT_LITERAL:
        return next(c for c in random.sample(_LETTERS, len(_LETTERS)) if ord(c) != value)
    if kind is sre.IN:
        return _one_of(value, random)
    return ""  # anchors and assertions take no room


_CATEGORIES = {
    sre.CATEGORY_DIGIT: "0123456789",
    sre.CATEGORY_NOT_DIGIT: "abcXYZ_-",
    sre.CATEGORY_SPACE: " \t",
    sre.CATEGORY_NOT_SPACE: "abcXYZ019_-",
    sre.CATEGORY_WORD: "abcXYZ019_",
    sre.CATEGORY_NOT_WORD: " -.!",
}


def _one_of(items: Any, random: random.Random) -> str:
    """A character of a class; a negated one by looking for one outside."""
    negated = bool(items) and items[0][0] is sre.NEGATE
    kinds = items[1:] if negated else items
    if negated:
        outside = [c for c in _LETTERS + "~!@#%&/\\éß" if not any(_within(k, v, c) for k, v in kinds)]
        return random.choice(outside) if outside else ""
    kind, value = random.choice(kinds)
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.RANGE:
        return chr(random.randint(value[0], min(value[1], value[0] + 200)))
    return random.choice(_CATEGORIES.get(value, _LETTERS))


def _within(kind: Any, value: Any, character: str) -> bool:
    if kind is sre.LITERAL:
        return bool(ord(character) == value)
    if kind is sre.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    return character in str(_CATEGORIES.get(value, ""))
