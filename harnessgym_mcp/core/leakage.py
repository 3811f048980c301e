"""The leakage audit: does the bundle already hold what the comparison is meant to find out?

Pure: the caller reads the bundle's files and lists what must not be in them. Whether a shipped file, handed to the
verifier, scores as the result is for the executor to try; it reports that as a `Leak` of kind `fixture`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.text import one_line

__all__ = ["Leak", "Needle", "scan"]

Kind = Literal["answer", "fixture", "final_case", "task"]

_NAMES = {"answer": "the winning answer", "final_case": "a final case", "task": "the task's name"}
_END = r"(?!\w|\.\d)"  # not in the middle of a word or number
_LEAST = 4  # shorter needles are found everywhere
_TOKENS = 2000  # of a needle; the rest of a longer one is not looked at


class Needle(msgspec.Struct, frozen=True, kw_only=True):
    """Text that must not be in the bundle: a winning `answer`, a `final_case` of the verifier, a `task`'s name.

    An answer that is a JSON object is also found as scattered settings: all of its keys with their values, in any
    order and notation. `whose` tells the reader where the needle is from.
    """

    kind: Kind
    text: str
    whose: str = ""


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found. An answer, a fixture or a final case breaks a claim of better; a task's name weakens it."""

    kind: Kind
    where: str  # file:line of the bundle
    what: str

    @property
    def breaks(self) -> bool:
        return self.kind != "task"


def scan(files: Mapping[str, str], needles: Iterable[Needle]) -> list[Leak]:
    """Each needle in each file, once per file. White space and quotes do not matter, nor for names letter case."""
    wanted = [(n, list(_ways(n))) for n in needles if len(re.findall(r"\w", n.text)) >= _LEAST]
    return [
        _leak(needle, path, text, place)
        for path, text in files.items()
        for needle, ways in wanted
        if (place := _first(ways, text)) is not None
    ]


def _ways(needle: Needle) -> Iterator[list[re.Pattern[str]]]:
    """The ways to hold a needle; each is a list of patterns that must all be found."""
    if needle.kind == "task":
        words = re.findall(r"[^\W_]+", needle.text)[:_TOKENS] or [needle.text]
        yield [re.compile(r"(?<![^\W_])" + r"[\s_-]*".join(map(re.escape, words)) + r"(?![^\W_])", re.IGNORECASE)]
        return
    tokens = re.findall(r"\w+|[^\w\s\"']", needle.text)[:_TOKENS]
    yield [re.compile(r"(?<!\w)" * tokens[0].isalnum() + r"[\s\"']*".join(map(re.escape, tokens)) + _END)]
    settings = dict(_leaves(needle.text))
    if len(settings) > 1:
        yield [_setting(key, value) for key, value in settings.items()]


def _leaves(text: str) -> Iterator[tuple[str, str]]:
    """The last key and the value of each setting in a JSON object."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(told, dict):
        yield from _walk(told)


def _walk(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in told.items():
        if isinstance(value, dict):
            yield from _walk(value)
        else:
            yield key, value if isinstance(value, str) else json.dumps(value)


def _setting(key: str, value: str) -> re.Pattern[str]:
    tokens = re.findall(r"\w+|[^\w\s\"']", value)
    spelled = r"[\s\"']*".join(map(re.escape, tokens))
    return re.compile(rf"(?<!\w){re.escape(key)}[\"']?\s*[:=,]\s*[\"']?{spelled}{_END}", re.IGNORECASE)


def _first(ways: list[list[re.Pattern[str]]], text: str) -> int | None:
    """Where the first way that is there in full begins."""
    for patterns in ways:
        found = [match.start() for p in patterns if (match := p.search(text))]
        if len(found) == len(patterns):
            return min(found)
    return None


def _leak(needle: Needle, path: str, text: str, place: int) -> Leak:
    line = text.count("\n", 0, place) + 1
    name = _NAMES.get(needle.kind, needle.kind)
    whose = f" ({one_line(needle.whose, 80)})" if needle.whose else ""
    what = f"{name}{whose}: {one_line(needle.text, 80)!r}"
    return Leak(kind=needle.kind, where=f"{one_line(path, 200)}:{line}", what=what)
