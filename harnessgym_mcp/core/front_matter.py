"""The front matter of a SKILL.md as the JSON value that it stands for.

Of YAML 1.2 (core schema) this reads what front matter is made of: block and flow mappings and sequences, plain, quoted,
literal and folded scalars, comments. Anchors, aliases, tags, complex keys and several documents are refused, as is
anything that two readers could understand differently: what is not read is an error, never a guess.
"""

import re
from typing import Any

from harnessgym_mcp.core.yaml_flow import DEEPEST, Flow, Unfinished, YamlError, joined, plain

__all__ = ["FrontMatterError", "front_matter"]

_MOST = 65_536  # characters
_FLOW_LINES = 100
_QUOTED = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*(?=:(?:\s|\Z))""")
_COLON = re.compile(r":(?=\s|\Z)")
_NO_KEY = re.compile(r"[,\[\]{}#&*!|>'\"%@`]|[-?:](?:[\s,\[\]{}]|\Z)")
_DASH = re.compile(r"-(?:\s|\Z)")
_BLOCK = re.compile(r"([|>])(?:([1-9])([-+]?)|([-+])([1-9]?))?(?:\s+#.*|\s*)\Z")


class FrontMatterError(ValueError):
    """The text has no front matter, or one that cannot be read; `line` counts from 1 within the file."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


def front_matter(text: str) -> dict[str, Any]:
    """The mapping between the `---` lines at the top of a file. Raises FrontMatterError."""
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    if lines[0].rstrip() != "---":
        raise FrontMatterError("the file does not begin with ---", 1)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), 0)
    if not end:
        raise FrontMatterError("the front matter does not end with ---", 1)
    if sum(len(line) for line in lines[:end]) > _MOST:
        raise FrontMatterError(f"more than {_MOST} characters", 1)
    reader = _Reader(lines[1:end], 2)
    try:
        value = reader.whole()
    except YamlError as error:
        raise reader.fail(str(error)) from None
    if not isinstance(value, dict):
        raise FrontMatterError("the front matter is not a mapping of keys to values", 2)
    return value


class _Reader:
    """Recursive descent over lines; `at` is the next one."""

    def __init__(self, lines: list[str], first: int) -> None:
        self.lines = lines
        self.at = 0
        self._first = first
        self._depth = 0

    def fail(self, what: str) -> FrontMatterError:
        return FrontMatterError(what, self._first + min(self.at, len(self.lines)))

    def whole(self) -> Any:
        if not self._skip():
            raise self.fail("the front matter is empty")
        value = self._node(self._indent())
        if self._skip():
            raise self.fail("the indentation fits nothing above")
        return value

    # ---- lines

    def _skip(self) -> bool:
        """To the next line that says something."""
        while self.at < len(self.lines) and re.match(r"\s*(?:#|\Z)", self.lines[self.at]):
            self.at += 1
        return self.at < len(self.lines)

    def _indent(self) -> int:
        line = self.lines[self.at]
        text = line.lstrip(" ")
        if text[:1] == "\t":
            raise self.fail("a tab in the indentation: use spaces")
        return len(line) - len(text)

    def _node(self, indent: int) -> Any:
        """The block that begins at this line, whose indentation is `indent`."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.fail(f"more than {DEEPEST} levels deep")
        text = self.lines[self.at][indent:]
        if _DASH.match(text):
            value: Any = self._sequence(indent)
        elif _key(text):
            value = self._mapping(indent)
        elif text[0] in "|>":
            raise self.fail(f"put {text[0]} behind its key, on the same line")
        else:
            value = self._scalar(text, indent - 1)
        self._depth -= 1
        return value

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._skip() and self._indent() == indent:
            text = self.lines[self.at][indent:]
            raw = _key(text)
            if not raw:
                raise self.fail("expected a key, a colon and a space")
            key = self._key(raw.rstrip())
            if key in found:
                raise self.fail(f"the key {key!r} is there twice")
            found[key] = self._value(text[len(raw) + 1 :].lstrip(), indent, sequence=True)
        if self._skip() and self._indent() > indent:
            raise self.fail("the indentation fits nothing above")
        return found

    def _key(self, text: str) -> str:
        if text[:1] in "\"'":
            return str(Flow(text).scalar())
        value = plain(text)
        if not isinstance(value, str):
            raise self.fail(f"the key {text} is not text: quote it")
        return value

    def _sequence(self, indent: int) -> list[Any]:
        found = []
        while self._skip() and self._indent() == indent and _DASH.match(self.lines[self.at][indent:]):
            line = self.lines[self.at]
            rest = line[indent + 1 :].lstrip(" ")
            inner = len(line) - len(rest)
            if _key(rest) or _DASH.match(rest):
                self.lines[self.at] = " " * inner + rest
                found.append(self._node(inner))
            else:
                found.append(self._value(rest, indent))
        return found

    def _value(self, text: str, indent: int, *, sequence: bool = False) -> Any:
        """What stands behind a key or a dash: on this line, or as a block below that is indented more."""
        if text and text[0] != "#":
            return self._scalar(text, indent)
        self.at += 1
        if not self._skip():
            return None
        inner = self._indent()
        dashed = sequence and inner == indent and _DASH.match(self.lines[self.at][indent:])
        return self._node(inner) if inner > indent or dashed else None

    # ---- scalars

    def _scalar(self, text: str, indent: int) -> Any:
        if text[0] in "|>":
            return self._block(text, indent)
        if text[0] in "[{\"'":
            return self._flow(text, indent)
        if text[0] in "&*!%@`" or re.match(r"[?:-](?:\s|\Z)|[,\]}]", text):
            raise self.fail(f"a value may not begin with {text[0]}: quote it")
        return self._plain(text, indent)

    def _plain(self, text: str, indent: int) -> Any:
        parts = [self._plain_text(text)]
        ended = parts[0] != text.rstrip()
        self.at += 1
        while not ended and self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and (self._indent() <= indent or line.lstrip().startswith("#")):
                break
            parts.append(self._plain_text(line.strip()))
            ended = parts[-1] != line.strip()
            self.at += 1
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        return plain(joined(parts))

    def _plain_text(self, text: str) -> str:
        """Without its comment."""
        text = re.split(r"(?:\A|\s)#", text, maxsplit=1)[0].rstrip()
        if re.search(r":(?:\s|\Z)", text):
            raise self.fail("a plain value may not hold a colon and a space: quote the value")
        return text

    def _flow(self, text: str, indent: int) -> Any:
        """A quoted scalar or a flow collection, over as many lines as it takes."""
        parts = [text]
        while True:
            flow = Flow("\n".join(parts))
            try:
                value = flow.node()
            except Unfinished:
                self.at += 1
                more = self.at < len(self.lines) and (not self.lines[self.at].strip() or self._indent() > indent)
                if not more or len(parts) > _FLOW_LINES:
                    self.at -= 1
                    raise self.fail(f"{text[0]} is not closed") from None
                parts.append(self.lines[self.at].strip())
                continue
            if not re.match(r"[ \t]*(?:\Z|[ \t]#)", flow.rest()):
                raise self.fail("there is more behind the value")
            self.at += 1
            return value

    def _block(self, text: str, indent: int) -> str:
        """A literal or folded scalar."""
        header = _BLOCK.match(text)
        if header is None:
            raise self.fail("expected only | or > and its indicators")
        style, digit, chomp = header[1], header[2] or header[5] or "", header[3] or header[4] or ""
        self.at += 1
        lines = self._block_lines(max(indent, 0) + int(digit) if digit else 0, indent)
        while lines and not lines[-1] and chomp != "+":
            lines.pop()
        body = "\n".join(lines) if style == "|" else _folded(lines)
        if chomp == "-" or not lines:
            return body.rstrip("\n") if chomp != "+" else body
        return body + "\n"

    def _block_lines(self, width: int, indent: int) -> list[str]:
        found: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip(" "):
                own = len(line) - len(line.lstrip(" "))
                width = width or own
                if own < width or own <= indent:
                    break
            found.append(line[width:] if width else "")
            self.at += 1
        return found


def _key(text: str) -> str:
    """The part before the colon, "" where a line is no entry of a mapping."""
    if quoted := _QUOTED.match(text):
        return quoted[0]
    colon = None if not text or _NO_KEY.match(text) else _COLON.search(text)
    return text[: colon.start()] if colon and "#" not in text[: colon.start()] else ""


def _folded(lines: list[str]) -> str:
    """The lines of a folded scalar; those that are indented more keep their breaks."""
    out, empty, former = "", 0, ""
    for line in lines:
        if not line:
            empty += 1
            continue
        spaced = line[0] in " \t" or former[:1] in (" ", "\t")
        if not former:
            out += "\n" * empty
        elif spaced:
            out += "\n" * (empty + 1)
        else:
            out += "\n" * empty or " "
        out, empty, former = out + line, 0, line
    return out + "\n" * empty
