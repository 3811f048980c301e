"""The dashboard's process: a socket on loopback, the site on it, until a signal ends it."""

import asyncio
import contextlib
import errno
import math
import socket
from collections.abc import Callable

import anyio
import uvicorn

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.dashboard.app import build
from harnessgym_mcp.dashboard.site import Keys, Site
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.home import Home

__all__ = ["bind", "serve"]

_HOST = "127.0.0.1"


def bind(port: int | None, preferred: int) -> socket.socket:
    """A listening socket on loopback: at `port`, which must be free, or else at the preferred one or any.

    Raises StateError.
    """
    for wanted in (preferred, 0) if port is None else (port,):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, wanted))
        except (OSError, OverflowError) as error:
            listener.close()
            if getattr(error, "errno", 0) == errno.EADDRINUSE and port is None:
                continue
            hint = "leave --port out: a free one is found"
            why = getattr(error, "strerror", "") or "there is no such port"
            raise StateError(f"port {wanted} cannot be used: {why}", hint=hint) from error
        return listener
    raise StateError("no port is free on loopback", hint="name one with --port")


def serve(home: Home, policy: Policy, keys: Keys, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is given the address, key included, once it answers."""
    with contextlib.closing(listener), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Site(home, policy, keys), listener, ready))


class _Server(uvicorn.Server):
    """Tells the live streams of the end before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, ending: anyio.Event, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending.set()
        await super().shutdown(sockets)


async def _serve(site: Site, listener: socket.socket, ready: Callable[[str], None]) -> None:
    ending = anyio.Event()
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        build(site, port, ending),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=math.ceil(site.policy.dashboard.close) + 1,  # the streams end first
    )
    address = f"http://{_HOST}:{port}/?token={site.keys.token}"
    await _Server(config, ending, lambda: ready(address)).serve(sockets=[listener])
