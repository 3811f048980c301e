"""Editing somebody else's TOML: comments, order and spelling of all that is not meant stay as they are."""

import re
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.store.client_configs_jsonc import Broken

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["MARK", "TomlText"]

Path = Sequence[str]

MARK = "set by HarnessGym"
"""The comment at a setting outside our own table: by it `drop` knows that it was not the user's."""


class TomlText:
    """One file's text, edited in place. Raises Broken when the text is not TOML."""

    def __init__(self, text: str) -> None:
        self._crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
        self._document = _parse(text)

    @property
    def text(self) -> str:
        text = self._document.as_string()
        return text.replace("\r\n", "\n").replace("\n", "\r\n") if self._crlf else text

    def value(self) -> Any:
        """What a program reads in it."""
        return self._document.unwrap()

    def put(self, path: Path, value: Any) -> None:
        """Set a value; tables are merged key by key. A setting that was not there and is no table is marked."""
        table = self._find(path[:-1])
        if table is not None and not isinstance(table, MutableMapping):
            raise Broken(f"{'.'.join(path[:-1])} is not a table")
        if isinstance(value, dict) and path[-1] not in (table or ()) and not _is_inline(table):
            self._append(path, value, "")
        elif table is None:
            self._append(path[:-1], {path[-1]: value}, f" # {MARK}")
        else:
            _assign(table, path[-1], value, mark=True)

    def drop(self, path: Path) -> None:
        """Remove a table; or a setting that carries our mark. Tables that are empty then go as well."""
        table = self._find(path[:-1])
        if not isinstance(table, MutableMapping) or path[-1] not in table:
            return
        if isinstance(table[path[-1]], MutableMapping):
            del table[path[-1]]
        elif not self._drop_line(path[-1]):
            return
        self._prune(path[:-1])
        self._document = _parse(_one_end(self._document.as_string()))

    def _drop_line(self, name: str) -> bool:
        """The whole line of a setting that we have marked; False when there is none."""
        ours = re.compile(rf"^[ \t]*[\w.\"-]*\b{re.escape(name)}\b\"?[ \t]*=[^\n]*# {MARK}[ \t\r]*\n?", re.MULTILINE)
        text, count = ours.subn("", self._document.as_string())
        self._document = _parse(text)
        return count > 0

    def _prune(self, path: Path) -> None:
        table = self._find(path)
        if path and table is not None and not table and "#" not in table.as_string():
            del self._find(path[:-1])[path[-1]]

    def _find(self, path: Path) -> Any:
        table: Any = self._document
        for key in path:
            table = table.get(key) if isinstance(table, MutableMapping) else None
        return table

    def _append(self, path: Path, values: dict[str, Any], comment: str) -> None:
        """A table of its own at the end of the file, where it can disturb nothing."""
        from tomlkit import item, key

        text = self._document.as_string()
        gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
        header = ".".join(key(part).as_string() for part in path)
        lines = [f"{key(name).as_string()} = {item(value).as_string()}{comment}" for name, value in values.items()]
        self._document = _parse("\n".join([f"{text}{gap}[{header}]", *lines, ""]))


def _parse(text: str) -> "TOMLDocument":
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError, ValueError) as error:
        raise Broken(f"it is not TOML: {one_line(str(error))}") from error


def _assign(table: Any, name: str, value: Any, *, mark: bool) -> None:
    import tomlkit

    if isinstance(value, dict) and isinstance(table.get(name), MutableMapping):
        for key, each in value.items():
            _assign(table[name], key, each, mark=False)
    elif isinstance(value, dict):
        table[name] = tomlkit.inline_table()
        table[name].update(value)
    elif name in table:
        if table[name] != value:
            table[name] = value
    else:
        item = tomlkit.item(value)
        if mark:
            item.comment(MARK)
        table[name] = item


def _is_inline(table: Any) -> bool:
    from tomlkit.items import InlineTable

    return isinstance(table, InlineTable)


def _one_end(text: str) -> str:
    """Without the empty line that stood before a table at the end."""
    return text.rstrip("\r\n") + "\n" if text.endswith(("\n\n", "\r\n\r\n", "\r\n\n")) else text
