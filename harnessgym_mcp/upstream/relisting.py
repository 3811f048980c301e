"""Asking a server anew for what it says has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

__all__ = ["Relisting"]


class Relisting:
    """Each kind of change is looked after once at a time; announced meanwhile, once more after `pause` seconds: a
    server that announces a change with each listing, or a thousand at once, costs a listing now and then."""

    def __init__(
        self,
        look: Callable[[str], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        pause: float,
    ) -> None:
        self._look = look
        self._spawn = spawn
        self._pause = pause
        self._again: dict[str, bool] = {}  # what is being looked after -> was it announced meanwhile?

    def announced(self, method: str) -> None:
        """A notification has come."""
        if method in self._again:
            self._again[method] = True
        else:
            self._again[method] = False
            self._spawn(self._run(method))

    async def _run(self, method: str) -> None:
        try:
            await self._look(method)
            while self._again[method]:
                await asyncio.sleep(self._pause)
                self._again[method] = False
                await self._look(method)
        finally:
            del self._again[method]
