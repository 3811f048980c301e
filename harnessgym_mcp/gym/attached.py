"""Work that ends with whoever started it: stdin is a pipe that the starter holds, and its end cancels the work."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from harnessgym_mcp.errors import HarnessGymError

__all__ = ["LeftAlone", "while_attached"]

T = TypeVar("T")


class LeftAlone(HarnessGymError):
    """Whoever started this work has gone, or does not want it any more."""

    code = "left-alone"


async def while_attached(work: Coroutine[Any, Any, T]) -> T:
    """Do the work while stdin is open. Raises LeftAlone when it ends first; the work is cancelled, its cleaning up
    awaited."""
    loop = asyncio.get_running_loop()
    task, gone = asyncio.ensure_future(work), asyncio.Event()
    fd = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(fd, 4096):
            loop.remove_reader(fd)
            gone.set()
            task.cancel()

    loop.add_reader(fd, readable)
    try:
        return await task
    except asyncio.CancelledError:
        if gone.is_set():
            raise LeftAlone("cancelled: nobody waits for this trial any more", hint="`compare --resume`") from None
        raise
    finally:
        with contextlib.suppress(OSError, ValueError):
            loop.remove_reader(fd)
