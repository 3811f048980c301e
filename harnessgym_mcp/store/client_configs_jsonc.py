"""Reading JSON with comments and trailing commas into nodes that know where they stand in the text."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from harnessgym_mcp.errors import StateError

__all__ = ["Broken", "Node", "Part", "has_comment", "parse", "value_of"]

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_SCALAR = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_DEEPEST = 200


class Broken(StateError):
    """A client's config file cannot be read as what it should be; it was not touched."""

    code = "client-config"


@dataclass(slots=True)
class Node:
    """A value and where it stands in the text."""

    kind: Literal["object", "array", "scalar"]
    start: int
    end: int = 0
    parts: list["Part"] = field(default_factory=list)  # of an object or an array
    trailing: bool = False  # does a comma follow the last part?


@dataclass(slots=True)
class Part:
    """A member of an object or an item of an array: from its key, if any, to its value's end."""

    start: int
    value: Node
    key: str = ""
    comma: int = -1  # where the comma after it stands

    @property
    def end(self) -> int:
        return self.value.end


def parse(text: str) -> Node:
    """The root object. Raises Broken, with the line, when the text is not one."""
    return _Parser(text).document()


def value_of(text: str, node: Node) -> Any:
    """The value that stands there, as Python has it; of two members with one key the last counts."""
    if node.kind == "object":
        return {part.key: value_of(text, part.value) for part in node.parts}
    if node.kind == "array":
        return [value_of(text, part.value) for part in node.parts]
    return json.loads(text[node.start : node.end])


def has_comment(text: str, node: Node) -> bool:
    """Does a comment stand inside the value?"""
    inside = _STRING.sub('""', text[node.start : node.end])
    return node.kind != "scalar" and ("//" in inside or "/*" in inside)


class _Parser:
    """Text -> nodes. Strict but for comments and trailing commas."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 1 if text.startswith("\ufeff") else 0
        self._depth = 0

    def document(self) -> Node:
        node = self._node()
        self._blank()
        if self._at != len(self._text):
            raise self._wrong("more after the end")
        if node.kind != "object":
            raise Broken("the file is not a JSON object")
        return node

    def _wrong(self, what: str) -> Broken:
        line = self._text.count("\n", 0, self._at) + 1
        return Broken(f"line {line} is not JSON: {what}")

    def _blank(self) -> None:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _peek(self) -> str:
        self._blank()
        return self._text[self._at : self._at + 1]

    def _node(self) -> Node:
        opening = self._peek()
        if opening and opening in "{[":
            return self._container(opening)
        start = self._at
        match = (_STRING if opening == '"' else _SCALAR).match(self._text, start)
        try:
            json.loads(match[0] if match else "")
        except ValueError:
            raise self._wrong("a value is missing" if match is None else "not a value") from None
        assert match
        self._at = match.end()
        return Node("scalar", start, self._at)

    def _container(self, opening: str) -> Node:
        node = Node("object" if opening == "{" else "array", self._at)
        closing = "}" if opening == "{" else "]"
        self._at += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("too deep")
        while self._peek() != closing:
            if node.parts and not node.trailing:
                raise self._wrong("a comma is missing")
            node.parts.append(self._part(node.kind == "object"))
            node.trailing = self._peek() == ","
            if node.trailing:
                node.parts[-1].comma = self._at
                self._at += 1
        self._at += 1
        self._depth -= 1
        node.end = self._at
        return node

    def _part(self, keyed: bool) -> Part:
        self._blank()
        start = self._at
        if not keyed:
            return Part(start, self._node())
        match = _STRING.match(self._text, start)
        if match is None:
            raise self._wrong("a key in double quotes is missing")
        self._at = match.end()
        if self._peek() != ":":
            raise self._wrong("a colon is missing")
        self._at += 1
        return Part(start, self._node(), json.loads(match[0]))
