"""The record of calls on its way elsewhere: out to a file, in from other machines, and away when it is old.

Rows keep their ids, which no two machines make, so that merging the same file again adds nothing.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import CorruptError, NotFoundError, StateError, UsageError
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.calls_file import CallsFile
from harnessgym_mcp.store.calls_table import COLUMNS, harmless
from harnessgym_mcp.store.callstats import ask, recent_calls, select
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = ["FORMATS", "Merged", "Retention", "export", "merge", "retain"]

FORMATS = ("jsonl", "parquet")
_SQLITE = b"SQLite format 3\x00"
_PARQUET = b"PAR1"
_DAY = 86_400.0

_REALS = ("at", "duration_ms")
_INTEGERS = ("argument_bytes", "result_bytes")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """What one file gave: `rows` it held, `added` those that were new, `refused` lines that were no calls."""

    path: str
    rows: int
    added: int
    refused: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Calls that began before `before` (seconds since the epoch): how many, of how many; gone if `done`."""

    before: float
    old: int
    total: int
    done: bool


def export(home: Home, out: IO[bytes], form: str, policy: Telemetry) -> int:
    """Write all calls on record, oldest commit first; gives how many.

    Raises UsageError when Parquet needs what is not installed, StateError when the file cannot be read.
    """
    rows = _batches(home, policy.batch)
    return _write_parquet(out, rows) if form == "parquet" else _write_jsonl(out, rows)


def merge(home: Home, files: list[Path], policy: Telemetry) -> list[Merged]:
    """Take in calls of other homes: exported files, or a telemetry.sqlite itself. Each file is all or, where it is
    damaged, as far as it could be read, told by the error.

    Raises NotFoundError, UsageError, CorruptError, StateError.
    """
    notes: list[str] = []
    target = CallsFile(home, policy.busy, notes)
    try:
        return [_merge_one(target, path, policy) for path in files]
    finally:
        target.close()


def retain(home: Home, days: int, policy: Telemetry, *, do: bool, now: float | None = None) -> Retention:
    """Count, and with `do` delete, the calls that are older than so many days. Raises StateError."""
    before = (time.time() if now is None else now) - days * _DAY
    query = "SELECT COUNT(*) AS total, COALESCE(SUM(at < ?), 0) AS old FROM calls"
    counted = _asked(home, lambda connection: select(connection, query, [before]))
    old, total = (counted[0]["old"], counted[0]["total"]) if counted else (0, 0)
    if do and old:
        _delete(home, before, policy)
    return Retention(before, old, total, do)


def _delete(home: Home, before: float, policy: Telemetry) -> None:
    import sqlite3

    file = CallsFile(home, policy.busy, [])
    try:
        connection = file.ready()
        connection.execute("DELETE FROM calls WHERE at < ?", [before])
        connection.execute("VACUUM")  # so that the disk gets the space back
    except sqlite3.Error as error:
        hint = "close the sessions that write it, or try again"
        raise StateError(f"{home.telemetry.name} cannot be changed: {one_line(str(error))}", hint=hint) from error
    finally:
        file.close()


# ---- out


def _batches(home: Home, size: int) -> Iterator[list[Row]]:
    last = ""
    while True:
        notes: list[str] = []
        rows = recent_calls(home, size, last, notes=notes)
        if notes:
            raise StateError(notes[0], hint="`harnessgym doctor` says more")
        if not rows:
            return
        yield rows
        last = rows[-1]["id"]


def _write_jsonl(out: IO[bytes], batches: Iterator[list[Row]]) -> int:
    count = 0
    for rows in batches:
        out.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        count += len(rows)
    return count


def _write_parquet(out: IO[bytes], batches: Iterator[list[Row]]) -> int:
    pyarrow, parquet = _pyarrow()
    kinds = dict.fromkeys(_REALS, pyarrow.float64()) | dict.fromkeys(_INTEGERS, pyarrow.int64())
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
    count = 0
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for rows in batches:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
            count += len(rows)
    return count


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        hint = "pip install 'harnessgym-mcp[parquet]', or use --format jsonl"
        raise UsageError("Parquet needs the package pyarrow, which is not installed", hint=hint) from error
    return pyarrow, parquet


# ---- in


def _merge_one(target: CallsFile, path: Path, policy: Telemetry) -> Merged:
    read = _reader(path)
    rows = added = refused = 0
    try:
        batch: list[tuple[Any, ...]] = []
        for found in read(path):
            row = _row(found)
            rows, refused = rows + 1, refused + (row is None)
            if row is not None:
                batch.append(row)
            if len(batch) >= policy.batch:
                added += _insert(target, batch)
                batch = []
        return Merged(str(path), rows, added + _insert(target, batch), refused)
    except OSError as error:
        raise state_error("read", path, error) from error


def _reader(path: Path) -> Callable[[Path], Iterator[object]]:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise NotFoundError(
            f"{str(path)!r} cannot be read: {error.strerror}", hint="name a file that exists"
        ) from error
    if head == _SQLITE:
        return _read_sqlite
    return _read_parquet if head[:4] == _PARQUET else _read_jsonl


def _read_jsonl(path: Path) -> Iterator[object]:
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError):
                    yield None


def _read_parquet(path: Path) -> Iterator[object]:
    _, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except (ValueError, OSError) as error:
        raise CorruptError(f"{str(path)!r} is no sound Parquet file: {one_line(str(error))}") from error


def _read_sqlite(path: Path) -> Iterator[object]:
    """Another home's telemetry.sqlite, read as it is; its columns that we do not know are left out."""
    import sqlite3

    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = connection.execute("SELECT * FROM calls ORDER BY seq")
            names = [column[0] for column in found.description]
            yield from (dict(zip(names, row, strict=True)) for row in found)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CorruptError(f"{str(path)!r} holds no calls: {one_line(str(error))}") from error


def _row(found: object) -> tuple[Any, ...] | None:
    """A call in the table's order; None for what is none. Missing fields are empty: an older version wrote it."""
    if not isinstance(found, dict) or not (isinstance(found.get("id"), str) and found["id"]):
        return None
    values = tuple(_value(name, found.get(name)) for name in COLUMNS)
    at = values[COLUMNS.index("at")]
    return values if at else None


def _value(name: str, value: object) -> Any:
    if name in _REALS or name in _INTEGERS:
        number = value if isinstance(value, int | float) and value == value else 0
        return float(number) if name in _REALS else int(max(min(number, 2**62), -(2**62)))
    if value is None:
        return None if name == "arguments" else ""
    return harmless(str(value))


def _insert(target: CallsFile, rows: list[tuple[Any, ...]]) -> int:
    import sqlite3

    if not rows:
        return 0
    try:
        before = _count(target)
        target.write(lambda: [rows])
        return _count(target) - before
    except sqlite3.Error as error:
        raise StateError(f"the calls cannot be written: {one_line(str(error))}", hint="`harnessgym doctor`") from error


def _count(target: CallsFile) -> int:
    return int(target.ready().execute("SELECT COUNT(*) FROM calls").fetchone()[0])


def _asked(home: Home, question: "Callable[[sqlite3.Connection], list[Row]]") -> list[Row]:
    notes: list[str] = []
    found = ask(home, question, notes)
    if notes:
        raise StateError(notes[0], hint="`harnessgym doctor` says more")
    return found
