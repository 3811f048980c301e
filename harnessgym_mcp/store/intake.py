"""From the journal into the table: a transaction at a time, each call one row however often it is tried."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

from harnessgym_mcp.core.events import Ended, RawCall
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, StateError
from harnessgym_mcp.store.atomic import locked, set_aside
from harnessgym_mcp.store.calls_file import CallsFile
from harnessgym_mcp.store.calls_table import TOGETHER, Row
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.journal import Block, DamagedJournalError, Journal, any_journals, left_behind

__all__ = ["Skipped", "take_in", "take_in_left", "told"]

Skipped = Callable[[Exception], None]
"""Told of a call that cannot be made into a row; it must not hold up all the others."""


def take_in(journal: Journal, file: CallsFile, most: int, skipped: Skipped) -> int:
    """Bring calls from a journal into the table, in one transaction: whole blocks, until they are at least `most`
    calls. Gives how many; 0 when none is left.

    Raises DamagedJournalError; StateError, OSError, sqlite3.Error when the table cannot be written.
    """
    blocks: list[Block] = []
    count = 0
    try:
        for block in journal.blocks():
            blocks.append(block)
            count += len(block.ended.calls)
            if count >= most:
                break
    except DamagedJournalError:
        if not blocks:
            raise  # else after what is sound
    if blocks:
        file.write(lambda: _rows(blocks, skipped))
        journal.taken_in(blocks[-1])
    return count


def take_in_left(home: Home, policy: Telemetry, notes: list[str]) -> None:
    """Bring into the table what fronts that were killed have left in their journals; never raises.

    One at a time: others wait, since what is being taken in is neither in a journal that they could take nor in the
    table yet.
    """
    if not any_journals(home.journal):
        return
    try:
        with locked(home.lock("journal"), policy.busy):
            _take_in_left(home, policy, notes)
    except HarnessGymError as error:
        notes.append(f"what killed sessions have left is not taken in: {told(error)}")


def _take_in_left(home: Home, policy: Telemetry, notes: list[str]) -> None:
    file = CallsFile(home, policy.busy, notes)
    for journal in left_behind(home.journal):
        emptied = False
        try:
            while take_in(journal, file, policy.batch, lambda error: notes.append(told(error))):
                pass
            emptied = True
        except DamagedJournalError as error:
            with suppress(StateError):
                notes.append(f"{told(error)}; it was set aside as {str(set_aside(journal.path))!r}")
        except Exception as error:
            notes.append(f"the calls in {journal.path.name} wait: {told(error)}")
        journal.close(remove=emptied)
    file.close()


def told(error: Exception) -> str:
    """An error in one line."""
    return one_line(f"{type(error).__name__}: {error}")


def _rows(blocks: list[Block], skipped: Skipped) -> Iterator[list[Row]]:
    """The rows, a few at a time: between them whoever answers calls can have the interpreter's lock."""
    for block in blocks:
        calls = zip(block.ids(), block.ended.calls, strict=False)
        while some := list(islice(calls, TOGETHER)):
            yield [row for id, call in some if (row := _row(id, block.ended, call, skipped))]


def _row(id: str, ended: Ended, call: RawCall, skipped: Skipped) -> Row | None:
    try:
        return (id, *ended.event(call))
    except Exception as error:
        skipped(error)
        return None
