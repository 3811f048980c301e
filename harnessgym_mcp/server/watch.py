"""Watching the home for what other processes and people do to it.

Level-triggered: a change only says "look again", so that a missed one costs nothing. Runs in a thread of its own,
because importing and running the watcher must not hold the event loop up.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["Watcher"]

logger = logging.getLogger(__name__)

_STEP_MS = 40  # how long the watcher waits for a change to be followed by another
_DEBOUNCE_MS = 200  # and how long at most
_LOOK_MS = 500  # how often the registry is looked at all the same
_POLL = 0.5  # seconds between looks where the system cannot watch

_Stamp = tuple[int, int, int]


class Watcher:
    """Calls `changed` on the event loop when the registry or something in generated/ has changed."""

    def __init__(self, root: Path, changed: Callable[[], None]) -> None:
        self._root = root
        self._registry = root / "registry.json"
        self._seen = _stamp(self._registry)
        self._changed = changed
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._watch()
        except Exception as error:  # the watcher's own failures (inotify limits, a folder that went) leave us polling
            logger.warning("cannot watch %s (%s); looking every %s s instead", self._root, error, _POLL)
            self._poll()

    def _watch(self) -> None:
        """Until the registry is another file than the one that is watched.

        The home itself is not watched: telemetry is written there with every batch of calls, each page of it would
        wake us. The registry is watched as a file, so that its replacement ends the watch; what falls between two
        watches is found by its stamp.
        """
        import watchfiles

        for changes in watchfiles.watch(
            *(path for path in (self._registry, self._root / "generated") if path.exists()),
            watch_filter=None,
            stop_event=self._stop,
            step=_STEP_MS,
            debounce=_DEBOUNCE_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            before, self._seen = self._seen, _stamp(self._registry)
            if changes or self._seen != before:
                self._tell()
            if self._seen != before:
                return

    def _poll(self) -> None:
        seen = self._stamps()
        while not self._stop.wait(_POLL):
            now = self._stamps()
            if now != seen:
                seen = now
                self._tell()

    def _stamps(self) -> list[tuple[str, _Stamp]]:
        paths = [self._registry, *(self._root / "generated").rglob("*")]
        return sorted((str(path), _stamp(path)) for path in paths)

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed)
        except RuntimeError:  # the loop has closed: we are shutting down
            self._stop.set()


def _stamp(path: Path) -> _Stamp:
    """What changes when a file is written or replaced; zeros for one that is not there."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
