"""The compiler's own remarks on what it optimised and what it could not."""

import re
from collections import Counter
from typing import Any, NamedTuple

from compiling import Compiled

_GCC = re.compile(
    r"(?P<file>[^:\n]+):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<kind>optimized|missed|note): +(?P<text>.*)"
)
_CLANG = re.compile(
    r"(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+): remark: (?P<text>.*) "
    r"\[-R(?P<kind>pass(?:-missed|-analysis)?)=(?P<by>[^\]]+)\]"
)
_KINDS = {
    "optimized": "done", "missed": "missed", "note": "why",
    "pass": "done", "pass-missed": "missed", "pass-analysis": "why",
}  # fmt: skip
_TOPICS = {
    "vector": re.compile(r"vectori[sz]|SLP|unsupported|data ref|dependence|alias|not vectorized|versioned", re.I),
    "inline": re.compile(r"inlin", re.I),
    "loop": re.compile(r"loop|unroll|peel|interchang|fusion|iterations", re.I),
}
USUAL = tuple(_TOPICS)
TOPICS = (*USUAL, "other")
KINDS = ("done", "missed", "why")


class Remark(NamedTuple):
    """`kind` is done, missed or why; `topic` one of TOPICS."""

    line: int
    kind: str
    topic: str
    text: str


def parse(compiled: Compiled) -> Counter[Remark]:
    """The remarks on the source file itself, with how often each was made."""
    pattern = _GCC if compiled.compiler.family == "gcc" else _CLANG
    own = compiled.name.rpartition("/")[2]
    made = (match.groupdict() for match in pattern.finditer(compiled.remarks))
    return Counter(_remark(said) for said in made if said["file"].rpartition("/")[2] == own)


def _remark(said: dict[str, Any]) -> Remark:
    text = said["text"].strip()
    reason = text.startswith("loop not vectorized:")  # clang's analysis: the very thing that is asked for
    kind = "missed" if reason else _KINDS[said["kind"]]
    return Remark(int(said["line"]), kind, _topic(text, said.get("by")), text)


def _topic(text: str, by: str | None) -> str:
    """By the pass where it is named, else by the words."""
    said = f"{by} {text}" if by else text
    return next((topic for topic, pattern in _TOPICS.items() if pattern.search(said)), "other")


def shown(found: list[tuple[Remark, int]], source: list[str]) -> list[dict[str, Any]]:
    """By source line, with its text."""
    lines: dict[int, list[str]] = {}
    for remark, count in found:
        times = f" ({count} times)" if count > 1 else ""
        lines.setdefault(remark.line, []).append(f"{remark.kind}: {remark.text[:300]}{times}")
    return [{"line": line, "source": text_of(source, line), "remarks": texts} for line, texts in sorted(lines.items())]


def text_of(source: list[str], line: int) -> str:
    """A line of the source, shortened; "" where there is none."""
    return source[line - 1].strip()[:160] if 0 < line <= len(source) else ""
