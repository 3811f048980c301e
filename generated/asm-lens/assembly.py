"""Reading a compiler's assembly (GNU syntax; x86-64 in AT&T order, or AArch64): functions and source lines."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple


class Instruction(NamedTuple):
    """`line` is of the source file, 0 where unknown; `origin` names another file, such as a header."""

    text: str
    line: int
    origin: str
    labels: tuple[str, ...]  # that stand before it

    @property
    def mnemonic(self) -> str:
        return self.text.split(None, 1)[0]

    @property
    def operands(self) -> str:
        return self.text.partition(" ")[2]


@dataclass
class Function:
    name: str
    instructions: list[Instruction] = field(default_factory=list)


_LABEL = re.compile(r"([^\s:#]+|\"[^\"]+\"):")
_FILE = re.compile(r'\.file\s+(\d+)\s+(?:"((?:[^"\\]|\\.)*)"\s*)?"((?:[^"\\]|\\.)*)"')
_LOC = re.compile(r"\.loc\s+(\d+)\s+(\d+)")
_ARM = re.compile(r"aarch64|arm64")
_COMMENT = {True: re.compile(r"\s*(?://|;).*"), False: re.compile(r"\s*#.*")}  # on Arm, # begins a number


def functions(listing: str, source: str, target: str) -> list[Function]:
    """All functions in order. `source` is the file whose lines are counted; lines of other files name them.

    Of labels only those are kept that some instruction mentions.
    """
    found: list[Function] = []
    files: dict[str, str] = {}
    line, origin, labels, current = 0, "", [], None
    local = "L" if "__TEXT" in listing else ".L"  # Apple's labels begin so, and its functions with _
    comment = _COMMENT[_ARM.match(target) is not None]
    for raw in listing.splitlines():
        text = raw.strip()
        if match := _FILE.match(text):
            files[match[1]] = match[3]
        elif match := _LOC.match(text):
            if match[2] != "0":  # what belongs to no line stays with the one before
                name = files.get(match[1], "")
                line, origin = int(match[2]), "" if _same_file(name, source) else name.rpartition("/")[2]
        elif match := _LABEL.match(text):
            if match[1].startswith(local):
                labels.append(match[1])
            else:
                current, labels = Function(match[1].strip('"')), []
                found.append(current)
        elif current is not None and _is_code(text):
            current.instructions.append(Instruction(_plain(text, comment), line, origin, tuple(labels)))
            labels = []
    return [_tidied(function) for function in found if function.instructions]


def _tidied(function: Function) -> Function:
    mentioned = {word for i in function.instructions for word in re.split(r"[\s,*]+", i.operands)}
    kept = [i._replace(labels=tuple(x for x in i.labels if x in mentioned)) for i in function.instructions]
    return Function(function.name, kept)


def _same_file(name: str, source: str) -> bool:
    return name.rpartition("/")[2] == source.rpartition("/")[2]


def _is_code(text: str) -> bool:
    return bool(text) and text[0] not in ".#/@;" and not text.startswith("//")


def _plain(text: str, comment: re.Pattern[str]) -> str:
    """Without comments and prefixes that change nothing, with one blank between words."""
    return re.sub(r"^(?:notrack|bnd) ", "", " ".join(comment.sub("", text).split()))
