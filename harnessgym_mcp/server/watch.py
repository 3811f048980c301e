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
_POLL = 0.5  # seconds between looks where the system cannot watch


class Watcher:
    """Calls `changed` on the event loop when the registry or something in generated/ has changed."""

    def __init__(self, root: Path, changed: Callable[[], None]) -> None:
        self._root = root
        self._changed = changed
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        # The home itself is not watched in depth: data and drafts change all the time and mean nothing here.
        for path, deep in ((self._root, False), (self._root / "generated", True)):
            threading.Thread(target=self._run, args=(path, deep), name=f"watch {path.name}", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self, path: Path, deep: bool) -> None:
        try:
            self._watch(path, deep)
        except Exception as error:  # the watcher's own failures (inotify limits, a folder that went) leave us polling
            logger.warning("cannot watch %s (%s); looking every %s s instead", path, error, _POLL)
            self._poll()

    def _watch(self, path: Path, deep: bool) -> None:
        import watchfiles

        registry = str(self._root / "registry.json")
        for _ in watchfiles.watch(
            path,
            watch_filter=None if deep else lambda change, changed: changed == registry,
            stop_event=self._stop,
            step=_STEP_MS,
            debounce=_DEBOUNCE_MS,
            rust_timeout=1000,
            raise_interrupt=False,
            recursive=deep,
        ):
            self._tell()

    def _poll(self) -> None:
        seen = self._stamp()
        while not self._stop.wait(_POLL):
            now = self._stamp()
            if now != seen:
                seen = now
                self._tell()

    def _stamp(self) -> list[tuple[str, int, int]]:
        paths = [self._root / "registry.json", *(self._root / "generated").rglob("*")]
        stamps = []
        for path in paths:
            try:
                found = path.stat()
            except OSError:
                continue
            stamps.append((str(path), found.st_mtime_ns, found.st_size))
        return sorted(stamps)

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed)
        except RuntimeError:  # the loop has closed: we are shutting down
            self._stop.set()
