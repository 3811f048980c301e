"""Copies of a workspace while an agent works in it, to be scored afterwards: when was the threshold reached?"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.gym.compare_folders import copy_folder, digest_of, entries_of

__all__ = ["copied_at", "moments"]


def moments(seconds: float, count: int) -> list[float]:
    """When to look within a budget of `seconds`: ever later by a factor of two, the last time at its half."""
    return [seconds / 2**n for n in range(count, 0, -1)]


@asynccontextmanager
async def copied_at(workspace: Path, place: Path, times: Sequence[float]) -> AsyncIterator[list[tuple[float, Path]]]:
    """Copy at these seconds from now; the list fills up with (seconds, folder) until the block is left.

    A workspace that has not changed since the last copy, or that changes while it is read, is passed over.
    """
    taken: list[tuple[float, Path]] = []
    if not times:
        yield taken
        return
    stop = asyncio.Event()
    taking = asyncio.create_task(_take(workspace, place, times, taken, stop))
    try:
        yield taken
    finally:
        stop.set()
        await taking


async def _take(
    workspace: Path, place: Path, times: Sequence[float], taken: list[tuple[float, Path]], stop: asyncio.Event
) -> None:
    began, known = time.monotonic(), digest_of(entries_of(workspace))
    for number, at in enumerate(times):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(at - (time.monotonic() - began), 0)):
                await stop.wait()
        if stop.is_set():
            return
        seconds, folder = time.monotonic() - began, place / str(number)
        with contextlib.suppress(HarnessGymError):  # a moment less on the curve; the end is scored in any case
            digest = await asyncio.to_thread(_copied, workspace, folder, known)
            if digest != known:
                taken.append((round(seconds, 3), folder))
                known = digest


def _copied(workspace: Path, folder: Path, known: str) -> str:
    """The workspace's digest; copied where that is not the known one."""
    entries = entries_of(workspace)
    digest = digest_of(entries)
    if digest != known:
        copy_folder(workspace, folder, entries)
    return digest
