"""The telemetry file as its writers see it: opened when needed, set aside when damaged, written in transactions."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.errors import CorruptError, HarnessGymError, StateError
from harnessgym_mcp.store.atomic import locked, set_aside
from harnessgym_mcp.store.calls_table import Row, harmless, insert, migrate, shape_is_right
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = ["CallsFile"]

_CORRUPT = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB


class CallsFile:
    """The SQLite file, opened when needed and again when somebody else replaced or removed it."""

    def __init__(self, home: Home, busy: float, notes: list[str]) -> None:
        self._path = home.telemetry
        self._lock = home.lock("telemetry")
        self._busy = busy
        self._notes = notes
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def ready(self) -> "sqlite3.Connection":
        """The open connection. Raises sqlite3.Error, OSError, StateError."""
        if self._connection is None or self._opened != _identity(self._path):
            self.close()
            with locked(self._lock, self._busy):
                self._connection = self._open()
        return self._connection

    def write(self, chunks: Callable[[], Iterable[list[Row]]]) -> None:
        """Commit the rows, all or none. A damaged file is set aside, and they are written into a fresh one. Raises
        like `ready`."""
        try:
            self._commit(chunks())
        except Exception as error:
            if not self._heal(error):
                raise
            self._commit(chunks())

    def _commit(self, chunks: Iterable[list[Row]]) -> None:
        connection = self.ready()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for rows in chunks:
                _insert(connection, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _heal(self, error: Exception) -> bool:
        """Close the file after an error; set it aside when it is damaged. True: worth trying again at once."""
        damaged = self._opened
        self.close()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if not (code in _CORRUPT or isinstance(error, CorruptError)):
            return False
        try:
            with locked(self._lock, self._busy):
                if damaged == _identity(self._path):
                    self._set_aside()
        except HarnessGymError:
            return False
        return True

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    def _open(self) -> "sqlite3.Connection":
        import sqlite3

        self._make()
        self._opened = _identity(self._path)
        connection = sqlite3.connect(self._path, timeout=self._busy, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = NORMAL")
            migrate(connection)
            if not shape_is_right(connection):
                raise CorruptError(f"{self._path.name} is not a telemetry file")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make(self) -> None:
        """Make the file, readable by its owner alone. One that is there is not opened: to close it again would take
        away all locks that this process has on it, through whichever connection (as POSIX has it)."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            if self._path.is_symlink() or not self._path.is_file():
                raise StateError(f"cannot write {self._path.name}: it is no file") from None
        except OSError as error:
            raise StateError(f"cannot write {self._path.name}: {error.strerror}") from error

    def _set_aside(self) -> None:
        aside = set_aside(self._path)
        for suffix in ("-wal", "-shm"):
            companion = Path(f"{self._path}{suffix}")
            if companion.exists():
                companion.rename(f"{aside}{suffix}")
        self._notes.append(f"the damaged telemetry file was set aside as {str(aside)!r}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _insert(connection: "sqlite3.Connection", rows: list[Row]) -> None:
    import sqlite3

    try:
        insert(connection, rows)
    except (UnicodeError, OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
        # one hostile value must not hold up all the others
        insert(connection, [tuple(map(harmless, row)) for row in rows])
