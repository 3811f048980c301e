"""The one writer of call events: an append on the hot path, batches in a thread of its own, nothing lost silently.

Rows are written when there is a pause in the calls (`flush`), and during a long burst from time to time (`delay`): a
SIGKILL costs at most what has come since. A disk that cannot be written keeps rows waiting, up to a bound; what does
not fit is counted. A damaged file is set aside.
"""

import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.core.events import CallEvent, RawCall, event_of
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import CorruptError, HarnessGymError, StateError
from harnessgym_mcp.store.atomic import locked, set_aside
from harnessgym_mcp.store.calls_table import TOGETHER, Row, insert, migrate, shape_is_right
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = ["CallsFile", "TelemetryWriter"]

_CORRUPT = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB
_MOST_INTEGER = 2**63 - 1


class TelemetryWriter:
    """Writes the call events of one front process; other processes may write the same file.

    `dropped` counts rows that found the queue full or the writer closed, `error` says why nothing can be written just
    now (empty when all is well), `notes` tells what was repaired.
    """

    def __init__(self, home: Home, policy: Telemetry) -> None:
        self.dropped = 0
        self.error = ""
        self.notes: list[str] = []
        self._file = CallsFile(home, policy.busy, self.notes)
        self._policy = policy
        self._rows: deque[CallEvent | RawCall] = deque()
        self._batch: list[Row] = []  # those of the transaction under way, or of one that failed
        self._ids = _Ids()
        self._awake = False
        self._closed = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._hurried = threading.Event()
        self._handed = 0
        self._written = 0
        self._wanted = 0  # up to which row somebody waits
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, event: CallEvent | RawCall) -> None:
        """Hand over one event, or what makes it; never blocks, never raises."""
        if self._closed or len(self._rows) + len(self._batch) >= self._policy.queue:
            self.dropped += 1
            return
        self._handed += 1
        self._rows.append(event)
        if not self._awake:
            self._rouse()

    def flush(self, deadline: float) -> bool:
        """Wait until all that was put before is on disk, at most `deadline` seconds; blocks."""
        handed = self._wanted = self._handed
        self._hurried.set()
        with self._news:
            return self._news.wait_for(lambda: self._written >= handed, deadline)

    @property
    def waiting(self) -> int:
        """Rows that are not on disk yet."""
        return len(self._rows) + len(self._batch)

    def close(self, deadline: float) -> int:
        """Write what is waiting, within `deadline` seconds; gives how many rows were lost in all."""
        self._closed = True
        self._closing.set()
        self._hurried.set()
        self._wake.set()
        if self._thread:
            self._thread.join(deadline)
        return self.dropped + self.waiting

    def _rouse(self) -> None:
        self._awake = True
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._gather()
            self._wake.clear()
            self._awake = False  # before the rows are taken: one that is put after this rouses again
            if not self._empty_once():
                self._closing.wait(self._policy.retry)
                self._wake.set()
            elif self._rows:
                self._wake.set()
        while self._rows or self._batch:
            if not self._empty_once():
                break
        self._file.close()

    def _gather(self) -> None:
        """Wait for a pause in the calls, but not for long, not for many rows, and not while somebody waits for them:
        writing competes with the calls. The file is opened meanwhile."""
        until = time.monotonic() + self._policy.delay
        with suppress(Exception):  # comes up again, and is dealt with, when rows are written
            self._file.ready()
        handed = -1
        while (
            handed != self._handed
            and self._written >= self._wanted
            and self.waiting < self._policy.batch
            and time.monotonic() < until
        ):
            handed = self._handed
            self._hurried.wait(min(self._policy.flush, until - time.monotonic()))
        self._hurried.clear()

    def _empty_once(self) -> bool:
        """Write one batch; False when it had to stay."""
        if not self._write():
            return False
        with self._news:
            self._written += len(self._batch)
            self._news.notify_all()
        self._batch.clear()
        return True

    def _chunks(self) -> Iterator[list[Row]]:
        """The batch, a few rows at a time: between them whoever answers calls can have the interpreter's lock."""
        for at in range(0, len(self._batch), TOGETHER):
            yield self._batch[at : at + TOGETHER]
        while self._rows and len(self._batch) < self._policy.batch:
            taken = [self._rows.popleft() for _ in range(min(TOGETHER, len(self._rows)))]
            rows = [row for event in taken if (row := self._row(event))]
            self._batch += rows
            yield rows

    def _row(self, item: CallEvent | RawCall) -> Row | None:
        try:
            event = item if isinstance(item, CallEvent) else event_of(item)
        except Exception as error:  # one event that cannot be made must not hold up all the others
            self.dropped += 1
            self._written += 1
            self.notes.append(f"a row could not be made: {one_line(f'{type(error).__name__}: {error}')}")
            return None
        return (self._ids.next(), *event)

    def _write(self) -> bool:
        """Whatever goes wrong, the thread lives on: a writer that dies would lose every later row."""
        for _ in range(2):  # the second time with a fresh file, where the first was damaged
            try:
                self._file.write(self._chunks())
                self.error = ""
                return True
            except Exception as error:
                self.error = one_line(f"{type(error).__name__}: {error}")
                if not self._file.heal(error):
                    return False
        return False


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

    def write(self, chunks: Iterable[list[Row]]) -> None:
        """Commit the rows, all or none. Raises like `ready`."""
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

    def heal(self, error: Exception) -> bool:
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

        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StateError(f"cannot write {self._path.name}: {error.strerror}") from error
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

    def _set_aside(self) -> None:
        aside = set_aside(self._path)
        for suffix in ("-wal", "-shm"):
            companion = Path(f"{self._path}{suffix}")
            if companion.exists():
                companion.rename(f"{aside}{suffix}")
        self._notes.append(f"the damaged telemetry file was set aside as {str(aside)!r}")


class _Ids:
    """Ids that no other process or machine makes: when and by whom (at random), and a counter."""

    def __init__(self) -> None:
        self._prefix = f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(6)}"
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{self._prefix}-{self._count:08x}"  # ascending: each is put at the end of the index


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
        insert(connection, [tuple(map(_harmless, row)) for row in rows])


def _harmless(value: object) -> str | int | float | None:
    """A value that SQLite can hold: no lone surrogates, no integers beyond 64 bits, no other types."""
    if isinstance(value, int):
        return max(-_MOST_INTEGER, min(_MOST_INTEGER, value))
    if value is None or isinstance(value, float):
        return value
    return str(value).encode("utf-8", "replace").decode()
