"""Editing somebody else's JSON by splicing text: everything that is not meant stays as it is, byte for byte.

Comments and trailing commas, which VS Code, Cursor and Gemini allow in their files, are understood and kept. New text
takes over the file's indentation and line ends.
"""

import json
from collections.abc import Sequence
from typing import Any

from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.client_configs_jsonc import Broken, Node, Part, has_comment, parse, value_of

__all__ = ["JsonText", "Unkeepable"]

Path = Sequence[str]


class Unkeepable(StateError):
    """The edit would lose a comment of the user's; the file was not touched."""

    code = "client-config"


class JsonText:
    """One file's text, edited in place. Every method raises Broken when the text is not JSON."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = parse(text) if text.strip("\ufeff \t\r\n") else None

    def value(self) -> Any:
        """What a program reads in it; of two members with one key the last."""
        return value_of(self.text, self.root) if self.root else {}

    def put(self, path: Path, value: Any) -> None:
        """Set a value; objects are merged member by member, so that what else stands in them stays."""
        if self.root is None:
            self._set("{}\n" if not self.text.startswith("\ufeff") else "\ufeff{}\n")
        assert self.root is not None
        node = self.root
        for depth, key in enumerate(path):
            if node.kind != "object":
                raise Broken(f"{'.'.join(path[:depth]) or 'the file'} is not an object")
            found = _member(node, key)
            if found is None:
                return self._insert(node, key, _nested(path[depth + 1 :], value))
            node = found.value
        if isinstance(value, dict) and node.kind == "object":
            for key, inner in value.items():
                self.put([*path, key], inner)
        elif value_of(self.text, node) != value:
            self._replace(node, value)
        return None

    def add(self, path: Path, item: str) -> None:
        """See that the array at `path` holds `item`."""
        found = self._find(path)
        if found is None:
            self.put(path, [item])
        elif found.kind != "array":
            raise Broken(f"{'.'.join(path)} is not an array")
        elif item not in value_of(self.text, found):
            self._insert(found, "", item)

    def drop(self, path: Path) -> None:
        """Remove a member, however often it is there, and the objects that are empty then."""
        while True:
            parent = self._find(path[:-1])
            found = _member(parent, path[-1]) if parent and parent.kind == "object" else None
            if parent is None or found is None:
                return
            self._remove(parent, found)
            self._prune(path[:-1])

    def take(self, path: Path, item: str) -> None:
        """Remove an item from the array at `path`, and what is empty then."""
        found = self._find(path)
        if found is None or found.kind != "array":
            return
        part = next((p for p in found.parts if value_of(self.text, p.value) == item), None)
        if part:
            self._remove(found, part)
            self._prune(path)

    # ---- looking

    def _find(self, path: Path) -> Node | None:
        node = self.root
        for key in path:
            part = _member(node, key) if node and node.kind == "object" else None
            node = part.value if part else None
        return node

    def _line_indent(self, at: int) -> str:
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _unit(self) -> str:
        """One step of indentation: the first member's of the file."""
        first = self.root.parts[0] if self.root and self.root.parts else None
        indent = self._line_indent(first.start) if first else ""
        return indent or "  "

    def _inner_indent(self, node: Node) -> str:
        first = node.parts[0].start if node.parts else -1
        indent = self._line_indent(first) if first >= 0 else ""
        own_line = first >= 0 and self.text[:first].endswith("\n" + indent)
        return indent if own_line else self._line_indent(node.start) + self._unit()

    # ---- changing

    def _set(self, text: str) -> None:
        self.text = text
        self.root = parse(text)

    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _render(self, value: Any, indent: str) -> str:
        text = json.dumps(value, indent=self._unit(), ensure_ascii=False)
        return text.replace("\n", self._newline() + indent)

    def _insert(self, node: Node, key: str, value: Any) -> None:
        label = f"{json.dumps(key, ensure_ascii=False)}: " if node.kind == "object" else ""
        inside, close = self.text[node.start + 1 : node.end - 1], node.end - 1
        at = node.start + 1 + len(inside.rstrip(" \t\r\n"))
        if self._inline(node, inside):
            space = " " if node.parts else ""
            return self._set(self._joined(node, at, f"{space}{label}{json.dumps(value, ensure_ascii=False)}", at, ""))
        indent, newline = self._inner_indent(node), self._newline()
        fresh = f"{newline}{indent}{label}{self._render(value, indent)}"
        tail = newline + self._line_indent(node.start) if not node.parts else self.text[at:close]
        return self._set(self._joined(node, at, fresh, close, tail))

    def _inline(self, node: Node, inside: str) -> bool:
        """Is it the custom here to write on one line?"""
        return "\n" not in inside if node.parts else node is not self.root and "\n" not in self.text.strip()

    def _joined(self, node: Node, at: int, fresh: str, close: int, tail: str) -> str:
        """The text with `fresh` as the node's last part; a trailing comma stays the custom where it was."""
        after = fresh + ("," if node.trailing else "") + tail + self.text[close:]
        if not node.parts or node.trailing:
            return self.text[:at] + after
        end = node.parts[-1].end
        return self.text[:end] + "," + self.text[end:at] + after

    def _replace(self, node: Node, value: Any) -> None:
        if has_comment(self.text, node):
            raise Unkeepable("a comment stands inside the value that has to be replaced")
        indent = self._line_indent(node.start)
        self._set(self.text[: node.start] + self._render(value, indent) + self.text[node.end :])

    def _remove(self, node: Node, part: Part) -> None:
        """With its comma: the one after it, else the one before."""
        start, end = self._extent(part)
        before = node.parts[node.parts.index(part) - 1] if node.parts[0] is not part else None
        text = self.text[:start] + self.text[end:]
        if part.comma < 0 and before:
            text = text[: before.comma] + text[before.comma + 1 :]
        self._set(text)

    def _extent(self, part: Part) -> tuple[int, int]:
        """From where to where to cut, so that neither an empty line stays nor a comment swallows what follows."""
        end = part.end if part.comma < 0 else part.comma + 1
        start = len(self.text[: part.start].rstrip(" \t\r\n"))
        next_at = len(self.text) - len(self.text[end:].lstrip(" \t"))
        following = self.text[next_at : next_at + 1]
        if following in "\r\n" or (following in "}]" and "\n" not in self.text[start : part.start]):
            return start, end
        return part.start, next_at

    def _prune(self, path: Path) -> None:
        """An empty value goes, and its parents that are empty then; one with a comment in it stays."""
        node = self._find(path)
        if node is None or node.kind == "scalar" or node.parts:
            return
        if self.text[node.start + 1 : node.end - 1].strip():
            return
        if not path:
            self._set(self.text[: node.start + 1] + self.text[node.end - 1 :])
            return
        self.drop(path)


def _member(node: Node | None, key: str) -> Part | None:
    parts = node.parts if node else []
    return next((part for part in reversed(parts) if part.key == key), None)


def _nested(path: Path, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value
