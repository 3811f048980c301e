"""Search over tools: SQLite's full-text index in memory, or plain scoring where SQLite was built without it."""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from harnessgym_mcp.core.text import clean

if TYPE_CHECKING:
    import sqlite3

__all__ = ["ToolIndex"]

_WEIGHTS = (8.0, 4.0, 2.0, 1.0)  # name, title, description, schema keys
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MOST_TERMS = 32
_DEPTH = 8

Document = tuple[str, str, str, str]


class _Engine(Protocol):
    def find(self, terms: list[str], most: int) -> list[int]: ...


class ToolIndex:
    """Finds tools by words of their names, titles, descriptions and schema keys; a word also finds longer ones.

    `definitions` are tools as MCP lists them. Safe to use from several threads.
    """

    def __init__(self, definitions: Iterable[Mapping[str, Any]], *, full_text: bool = True) -> None:
        tools = list(definitions)
        self._names = [str(tool.get("name", "")) for tool in tools]
        documents = [_document(tool) for tool in tools]
        self._engine: _Engine = (full_text and _full_text(documents)) or _Scoring(documents)

    def search(self, query: str, most: int = 20) -> list[str]:
        """Names of at most `most` tools, best first; nothing for a query without a word in it. Never raises."""
        terms = _terms(query)[:_MOST_TERMS]
        return [self._names[at] for at in self._engine.find(terms, most)] if terms else []


class _FullText:
    """FTS5 with its BM25 ranking."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def __del__(self) -> None:
        self._connection.close()

    def find(self, terms: list[str], most: int) -> list[int]:
        match = " OR ".join(f'"{term}"*' for term in terms)  # a term holds letters and digits only
        query = f"SELECT rowid FROM tools WHERE tools MATCH ? ORDER BY bm25(tools, {_ranks()}), rowid LIMIT ?"
        with self._lock:
            return [row[0] for row in self._connection.execute(query, (match, most))]


class _Scoring:
    """Each term counts once for each field that has a word beginning with it; rare terms count more."""

    def __init__(self, documents: list[Document]) -> None:
        self._fields = [[set(_terms(field)) for field in document] for document in documents]

    def find(self, terms: list[str], most: int) -> list[int]:
        scores = [0.0] * len(self._fields)
        for term in terms:
            hits = [self._weight(fields, term) for fields in self._fields]
            rarity = 1 / (sum(map(bool, hits)) or 1)
            scores = [score + hit * rarity for score, hit in zip(scores, hits, strict=True)]
        found = [at for at, score in enumerate(scores) if score]
        return sorted(found, key=lambda at: (-scores[at], at))[:most]

    def _weight(self, fields: list[set[str]], term: str) -> float:
        pairs = zip(_WEIGHTS, fields, strict=True)
        return sum(weight for weight, words in pairs if any(word.startswith(term) for word in words))


def _full_text(documents: list[Document]) -> _FullText | None:
    import sqlite3

    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    try:
        connection.execute(
            "CREATE VIRTUAL TABLE tools USING fts5(name, title, description, keys, tokenize = 'porter unicode61')"
        )
    except sqlite3.OperationalError:
        connection.close()
        return None
    rows = [(at, *(" ".join(_terms(field)) for field in document)) for at, document in enumerate(documents)]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO tools (rowid, name, title, description, keys) VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    return _FullText(connection)


def _ranks() -> str:
    return ", ".join(map(str, _WEIGHTS))


def _document(tool: Mapping[str, Any]) -> Document:
    keys = " ".join(_keys(tool.get("inputSchema"), _DEPTH))
    return str(tool.get("name", "")), str(tool.get("title") or ""), str(tool.get("description") or ""), keys


def _keys(schema: Any, depth: int) -> Iterator[str]:
    """Names and descriptions of the properties in a schema, however it nests (within reason)."""
    if not isinstance(schema, Mapping) or depth == 0:
        return
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        yield str(name)
        if isinstance(inner, Mapping):
            yield str(inner.get("description") or "")
        yield from _keys(inner, depth - 1)
    yield from _keys(schema.get("items"), depth - 1)


def _terms(text: str) -> list[str]:
    """Words of letters and digits, in lower case, `camelCase` and `snake_case` taken apart."""
    return [word.lower() for word in _WORDS.findall(_CAMEL.sub(" ", clean(text)))]
