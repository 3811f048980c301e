"""The telemetry file's one table and its migrations, shared by the writer and the readers.

Migrations are numbered by their place and only ever add: a file that a newer program has migrated can still be
written and read by this one.
"""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from harnessgym_mcp.core.events import CallEvent
from harnessgym_mcp.core.text import writable

if TYPE_CHECKING:
    import sqlite3

__all__ = ["COLUMNS", "MIGRATIONS", "TOGETHER", "Row", "harmless", "insert", "migrate", "shape_is_right"]

COLUMNS = ("id", *CallEvent._fields)
"""`id` is unique among all machines, so that files can be merged; `seq` is the order of commits in this file."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE calls (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at REAL, session TEXT, thread TEXT, tool_use TEXT, front TEXT, client TEXT, labels TEXT,
            artifact TEXT, digest TEXT, tool TEXT, origin TEXT, via TEXT,
            duration_ms REAL, status TEXT,
            argument_keys TEXT, argument_bytes INTEGER, arguments TEXT,
            result_bytes INTEGER, content_kinds TEXT, error TEXT
        )""",
        "CREATE INDEX calls_by_tool ON calls (artifact, tool)",
        "CREATE INDEX calls_by_session ON calls (session)",
    ),
)

Row = tuple[str | int | float | None, ...]
"""One event's values in the order of COLUMNS."""

_MOST_INTEGER = 2**63 - 1
TOGETHER = 16  # rows in one statement
_ONE = f"({', '.join('?' * len(COLUMNS))})"
_INSERTS = {
    count: f"INSERT OR IGNORE INTO calls ({', '.join(COLUMNS)}) VALUES {', '.join([_ONE] * count)}"
    for count in (TOGETHER, 1)
}


def insert(connection: "sqlite3.Connection", rows: Sequence[Row]) -> None:
    """Add rows; those whose id is there already are passed over. Raises sqlite3.Error, and what a value that SQLite
    cannot hold raises.

    Many rows to a statement: each statement gives the interpreter's lock up and takes it again, and a thread that did
    so for each row would be waited for at every turn by the thread that answers calls.
    """
    at = 0
    for count in (TOGETHER, 1):
        while len(rows) - at >= count:
            connection.execute(_INSERTS[count], list(chain.from_iterable(rows[at : at + count])))
            at += count


def harmless(value: object) -> str | int | float | None:
    """A value that SQLite can hold: no lone surrogates, no integers beyond 64 bits, no other types."""
    if isinstance(value, int):
        return max(-_MOST_INTEGER, min(_MOST_INTEGER, value))
    if value is None or isinstance(value, float):
        return value
    return writable(str(value))


def migrate(connection: "sqlite3.Connection") -> None:
    """Bring a file up to date; several processes may try at once. Raises sqlite3.Error."""
    if _version(connection) >= len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number, statements in enumerate(MIGRATIONS[_version(connection) :], _version(connection) + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def shape_is_right(connection: "sqlite3.Connection") -> bool:
    """Has the file our table with all columns?"""
    found = {row[1] for row in connection.execute("PRAGMA table_info(calls)")}
    return found.issuperset(COLUMNS)


def _version(connection: "sqlite3.Connection") -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
