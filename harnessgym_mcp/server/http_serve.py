"""`harnessgym serve --transport http`: one gym for any number of clients, until a signal ends it."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.names import sanitised
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.server.http_front import Door, HttpFront
from harnessgym_mcp.server.http_guard import PATH, is_loopback
from harnessgym_mcp.server.options import Options
from harnessgym_mcp.server.serve import Gym, Observers, log_to
from harnessgym_mcp.store.home import Home

__all__ = ["HttpPlace", "serve_app", "serve_http"]

logger = logging.getLogger(__name__)


_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class HttpPlace:
    """Where to listen, and who may come in. `port` None takes policy's, 0 any that is free."""

    door: Door
    port: int | None = None


def serve_http(
    options: Options, place: HttpPlace, ready: Callable[[str], None], observers: Observers | None = None
) -> None:
    """Serve until a signal; `ready` is told the address once it answers.

    Raises StateError (also for an address that cannot be used), PolicyError, and what `observers` raises.
    """
    home, policy = options.open(lenient=True)
    observer = observers(policy) if observers else None
    listener = _listen(place.door.host, policy.http.port if place.port is None else place.port)
    log_to(home.logs / "serve.log")
    with contextlib.closing(listener):
        asyncio.run(_serve(Gym(home, policy, observer), home, policy, options, place.door, listener, ready))


async def _serve(
    gym: Gym,
    home: Home,
    policy: Policy,
    options: Options,
    door: Door,
    listener: socket.socket,
    ready: Callable[[str], None],
) -> None:
    gym.harness.load()
    session = options.new_session()

    def new_session(id: str, client: str) -> Session:
        """Each HTTP session is an agent session of its own, unless --session names the one that all belong to.

        The revision without sessions tells of a client only its name: clients of one name share an agent session, and
        so a build slot, unless each request's `_meta` names one. A connection is no client's: requests of one come over
        many, and of many over one where a proxy stands between.
        """
        return (
            session if options.session else session._replace(id=f"http-{id or f'{session.front}-{sanitised(client)}'}")
        )

    def schema_of(tool: str) -> Any:
        found = next((t for t in gym.table.catalog.tools if t.name == tool), None)
        return found.definition.get("inputSchema") if found else None

    front = HttpFront(gym.switchboard, schema_of, new_session, policy.http, door, fixed=bool(options.session))
    address = _address(door.host, listener.getsockname()[1])

    def started() -> None:
        gym.start()
        logger.info("serving %s at %s", home.root, address)
        ready(address)

    await serve_app(front, listener, policy.http.close, started)
    await gym.close(policy.timeouts.close_hurried)


async def serve_app(front: HttpFront, listener: socket.socket, close: float, started: Callable[[], None]) -> None:
    """Serve the front on a listening socket until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        front.app,
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=max(round(close), 1),
    )
    async with front.running():
        await _Server(config, started).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Leaves after a signal by itself: uvicorn would raise it anew before the servers behind us are ended."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started_up = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started_up()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises StateError."""
    if not 0 <= port <= _LAST_PORT:  # the resolver would take what is left after so many
        raise StateError(f"there is no port {port}", hint="--port 0 takes any that is free")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        hint = "--port 0 takes any that is free" if is_loopback(host) else "--host names an address of this machine"
        raise StateError(f"{host} port {port} cannot be listened on: {error}", hint=hint) from error
    return listener


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
