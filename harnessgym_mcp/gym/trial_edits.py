"""When files of a workspace change, while an agent works in it: was a tool's answer followed by an edit?"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["edits_in"]


@asynccontextmanager
async def edits_in(workspace: Path) -> AsyncIterator[list[float]]:
    """The times of changes, in seconds since the epoch; the list fills up until the block is left."""
    from watchfiles import awatch

    times: list[float] = []
    stop = asyncio.Event()

    async def follow() -> None:
        async for found in awatch(workspace, stop_event=stop, debounce=200, step=20, recursive=True):
            times.extend(_when(path) for _, path in found)

    watching = asyncio.create_task(follow())
    try:
        yield times
    finally:
        stop.set()
        with contextlib.suppress(OSError, RuntimeError):  # a system without room for watches: nothing is known then
            await watching


def _when(path: str) -> float:
    """A change is told late, but the file knows when it was; of one that is gone, now is the best guess."""
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return time.time()
