"""Scalars and flow collections of YAML, as far as front matter uses them: text in, JSON values out."""

import re
from math import inf
from typing import Any

__all__ = ["DEEPEST", "Flow", "Unfinished", "YamlError", "joined", "plain"]

DEEPEST = 20
"""Levels of nesting that are read."""

_INT = re.compile(r"[-+]?[0-9]{1,400}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_ESCAPES = dict(zip('0abtnvfre "/\\N_LP', '\0\a\b\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029', strict=True)) | {"\t": "\t"}
_ESCAPE = re.compile(r"\\(?:x(..)|u([dD][89abAB]..\\u[dD][c-fC-F]..|.{4})|U(.{8})|(.))")
_FLOW_PLAIN = re.compile(
    r"[^\s,\[\]{}#&*!|>'\"%@`?:-](?:[^,\[\]{}:#\n]|:(?![\s,\[\]{}])|(?<=\S)#)*|-?[0-9.][0-9.eE+-]*"
)


class YamlError(ValueError):
    """Text that is not read, and why."""


class Unfinished(Exception):
    """The text ends within a flow value."""


class Flow:
    """A cursor over a quoted scalar or a flow collection."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def rest(self) -> str:
        """What stands behind the cursor."""
        return self._text[self._at :]

    def node(self) -> Any:
        """The value at the cursor. Raises Unfinished when it needs more lines, YamlError when it is none."""
        start = self._peek()
        if start == "[":
            return self._collection("]")
        if start == "{":
            return self._collection("}")
        return self.scalar()

    def _peek(self) -> str:
        """The next character that counts."""
        while match := re.compile(r"\s+(?:#[^\n]*)?").match(self._text, self._at):
            self._at = match.end()
        if self._at >= len(self._text):
            raise Unfinished
        return self._text[self._at]

    def _collection(self, end: str) -> Any:
        self._depth += 1
        if self._depth > DEEPEST:
            raise YamlError(f"more than {DEEPEST} levels deep")
        self._at += 1
        items: list[Any] = []
        pairs: dict[str, Any] = {}
        while self._peek() != end:
            if end == "]":
                items.append(self.node())
            else:
                self._pair(pairs)
            if self._peek() not in (",", end):
                raise YamlError(f"expected , or {end}")
            self._at += self._text[self._at] == ","
        self._at += 1
        self._depth -= 1
        return items if end == "]" else pairs

    def _pair(self, pairs: dict[str, Any]) -> None:
        key = self.scalar()
        if not isinstance(key, str) or key in pairs:
            raise YamlError("a key has to be text, and there once")
        if self._peek() != ":":
            raise YamlError("expected a colon behind the key")
        self._at += 1
        pairs[key] = None if self._peek() in ",}" else self.node()

    def scalar(self) -> Any:
        """The quoted or plain scalar at the cursor; raises as `node` does."""
        start = self._peek()
        if start == '"':
            return self._double()
        if start == "'":
            return self._single()
        match = _FLOW_PLAIN.match(self._text, self._at)
        if match is None:
            raise YamlError(f"a value may not begin with {start}: quote it")
        self._at = match.end()
        if self._at >= len(self._text):
            raise Unfinished
        return plain(match[0].strip())

    def _single(self) -> str:
        match = re.compile(r"'((?:[^']|'')*)'(?!')").match(self._text, self._at)
        if match is None:
            raise Unfinished
        self._at = match.end()
        return joined([part.strip() for part in match[1].split("\n")], match[1]).replace("''", "'")

    def _double(self) -> str:
        match = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(self._text, self._at)
        if match is None:
            raise Unfinished
        self._at = match.end()
        # an escaped line break joins without a space
        text = re.sub(r"(?<!\\)((?:\\\\)*)\\\n\s*", r"\1", match[1])
        return _ESCAPE.sub(self._escape, joined(text.split("\n"), text))

    def _escape(self, match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        if digits is None:
            if match[4] not in _ESCAPES:
                raise YamlError(f"there is no escape \\{match[4]}")
            return _ESCAPES[match[4]]
        try:
            if len(digits) == 10:  # two halves, as JSON writes what is beyond U+FFFF
                return bytes.fromhex(digits[:4] + digits[6:]).decode("utf-16-be")
            char = chr(int(digits, 16))
            char.encode()
            return char
        except (ValueError, OverflowError):
            raise YamlError(f"there is no character \\{digits}") from None


def plain(text: str) -> Any:
    """The value of an unquoted scalar by the core schema. Raises YamlError for what JSON cannot say."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_JSON.match(text):
        raise YamlError(f"{text} has no form in JSON: quote it")
    if _INT.match(text):
        return int(text)
    if re.match(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z", text):
        return int(text, 0)
    if not _FLOAT.match(text):
        return text
    number = float(text)
    if number in (inf, -inf):
        raise YamlError(f"{text[:40]} is beyond what a number can be: quote it")
    return number


def joined(parts: list[str], whole: str = "") -> str:
    """Lines folded to one: a break is a space, n empty lines are n breaks. The outer ends of a quoted text stay."""
    if len(parts) == 1:
        return whole or parts[0]
    out, empty = parts[0].rstrip(), 0
    for part in parts[1:-1]:
        if not part.strip():
            empty += 1
            continue
        out += ("\n" * empty or " ") + part.strip()
        empty = 0
    return out + ("\n" * empty or " ") + parts[-1].lstrip()
