"""The one writer of call events: an append on the hot path, all else in a thread of its own, nothing lost silently.

    put -> a list -> blocks -> the journal, at every look -> the table, when there is a pause in the calls

What runs beside the calls is to cost them little. So calls are made into blocks many at a time; the thread looks
seldom while many come; and a row, which costs SQLite several times what it costs to put a call into the journal, is
left for a pause, or made from time to time while calls are few. A SIGKILL costs what has come since the last look;
what is in the journal is taken in by whoever looks next. A disk that cannot be written keeps blocks waiting in memory,
up to a bound; what does not fit is counted. A damaged file is set aside.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from harnessgym_mcp.core.events import Ended
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.store.calls_file import CallsFile
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.intake import take_in, told
from harnessgym_mcp.store.journal import DamagedJournalError, Journal, encoded

__all__ = ["TelemetryWriter"]

_BLOCK = 512  # calls in a block
_MANY = 128  # calls between two looks
_AT_ONCE = 128  # blocks in one write
_NOTES = 100

Item = TypeVar("Item")


class TelemetryWriter(Generic[Item]):
    """Writes the call events of one front process; other processes may write the same file. `reading` reads off what
    is handed over what is kept of it, here or in the thread.

    `dropped` counts calls that found the queue full or the writer closed, `error` says why nothing can be written just
    now (empty when all is well), `notes` tells what was repaired.
    """

    def __init__(self, home: Home, policy: Telemetry, reading: Callable[[list[Item]], Ended]) -> None:
        self.dropped = 0
        self.error = ""
        self.notes: list[str] = []
        self._home = home
        self._policy = policy
        self._reading = reading
        self._items: list[Item] = []  # of the block to come
        self._blocks: list[tuple[bytes, int]] = []  # and how many calls are in each
        self._journal: Journal | None = None
        self._file = CallsFile(home, policy.busy, self.notes)
        self._awake = False
        self._wake = threading.Event()
        self._hurried = threading.Event()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._sealing = threading.Lock()
        self._moved = threading.Condition()
        self._sealed = 0  # calls that went into blocks so far
        self._kept = 0  # of these, into the journal
        self._written = 0  # of these, into the table
        self._wanted = 0  # how many somebody waits for
        self._not_before = 0.0  # after an error
        self._thread: threading.Thread | None = None

    # ---- beside the calls

    def put(self, item: Item, heavy: bool = False) -> None:
        """Hand over one ended call, a heavy one not to be held for long; never blocks, never raises."""
        items = self._items
        items.append(item)
        if heavy or len(items) >= _BLOCK:
            self._seal()
        if not self._awake:
            self._rouse()

    def _seal(self) -> None:
        """Make a block of the calls that have come. Not only in the thread: a moment later they would have to be
        fetched from another processor's memory, which costs more than to encode them here."""
        with self._sealing:
            items = self._items[:]
            del self._items[: len(items)]
            room = max(0, self._policy.queue - (self._sealed - self._kept))
            if len(items) > room:
                self.dropped += len(items) - room
                items = items[:room]
            for ended in self._read(items):
                self._blocks.append((encoded(self._sealed, ended), len(ended.calls)))
                self._sealed += len(ended.calls)

    def _read(self, items: list[Item]) -> list[Ended]:
        """All together; one by one if there is one among them that cannot be read."""
        try:
            return [self._reading(items)] if items else []
        except Exception as error:
            if len(items) > 1:
                return [ended for item in items for ended in self._read([item])]
            self._skipped(error)
            return []

    def _skipped(self, error: Exception) -> None:
        self.dropped += 1
        if len(self.notes) < _NOTES:
            self.notes.append(f"a call could not be recorded: {told(error)}")

    def _rouse(self) -> None:
        with self._starting:
            if self._closing.is_set():
                return  # too late: counted as not kept
            self._awake = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
                self._thread.start()
        self._wake.set()

    # ---- whoever waits for rows

    def flush(self, deadline: float) -> bool:
        """Wait until all that was put before is in the table, at most `deadline` seconds; blocks."""
        with self._moved:
            handed = self._wanted = self._handed
            self._hurried.set()
            return self._moved.wait_for(lambda: self._written >= handed, deadline)

    @property
    def waiting(self) -> int:
        """Calls that are not in the table yet."""
        return self._handed - self._written

    def close(self, deadline: float) -> int:
        """Write what is waiting, within `deadline` seconds; gives how many calls were lost in all. What is in the
        journal by then is not: it is taken in by whoever looks next."""
        self._closing.set()
        self._hurried.set()
        self._wake.set()
        if self._thread:
            self._thread.join(deadline)
        return self.dropped + self._handed - self._kept

    @property
    def _handed(self) -> int:
        with self._sealing:
            return self._sealed + len(self._items)

    # ---- the thread

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self._attend()
            self._awake = False
            if self.waiting and not self._closing.is_set():  # put by one who still saw us awake
                self._rouse()
        self._keep()
        while self._in_journal and self._take_in():
            pass
        self._file.close()
        if self._journal:
            self._journal.close(remove=not self._in_journal)

    def _attend(self) -> None:
        """From a first call until none is waiting: into the journal at each look, into the table when there is time."""
        policy = self._policy
        since, before, pause = time.monotonic(), self._handed, policy.flush
        while self.waiting and not self._closing.is_set():
            seen = self._handed
            self._hurried.wait(pause)
            self._hurried.clear()
            handed, now = self._handed, time.monotonic()
            pause = policy.flush_busy if handed - seen > _MANY else policy.flush
            calm = handed == seen
            if now - since >= policy.delay:
                calm |= handed - before <= policy.light
                since, before = now, handed
            if not self._keep():
                self._closing.wait(policy.retry)
            elif calm or self._written < self._wanted or self._overfull:
                self._take_in_some()

    def _keep(self) -> bool:
        """Put what has come into the journal; False when it has to stay."""
        try:
            self._seal()
            here = self._sealed  # what comes meanwhile is for the next look
            while self._kept < here:
                self._journal = self._journal or Journal.new(self._home.journal)
                some = self._blocks[:_AT_ONCE]
                self._journal.append([block for block, _ in some])
                self._kept += sum(count for _, count in some)
                del self._blocks[: len(some)]
        except Exception as error:  # whatever goes wrong, the thread lives on: all later calls depend on it
            self.error = told(error)
            return False
        return True

    @property
    def _in_journal(self) -> int:
        return self._kept - self._written

    @property
    def _overfull(self) -> bool:
        return self._journal is not None and self._journal.size > self._policy.journal_bytes

    def _take_in_some(self) -> None:
        """Go on until nothing is left in the journal, or something else is to be done."""
        while self._in_journal and time.monotonic() >= self._not_before and not self._closing.is_set():
            if not self._take_in():
                self._not_before = time.monotonic() + self._policy.retry
            elif self._items and self._written >= self._wanted and not self._overfull:
                return
            self._keep()

    def _take_in(self) -> bool:
        """One transaction; False when what is in the journal has to stay there."""
        journal = self._journal
        assert journal, "nothing is in a journal that there is not"
        try:
            done = take_in(journal, self._file, self._policy.batch, self._skipped)
            self.error = ""
        except DamagedJournalError as error:
            done = 0
            self.notes.append(told(error))
        except Exception as error:
            self.error = told(error)
            return False
        if not done:  # somebody has written into our journal, or cut it
            self.dropped += self._in_journal
            self.notes.append(f"{self._in_journal} calls in {journal.path.name} are lost")
        with self._moved:
            self._written = self._written + done if done else self._kept
            self._moved.notify_all()
        if not self._in_journal:
            with suppress(OSError):  # else it is cut at the next opportunity
                journal.forget()
        return True
