"""The HTTP front: the SDK's Streamable HTTP server, both eras, over the switchboard.

The SDK keeps the transport's rules (headers, sessions, streams, resumption); a middleware takes each message before it
is read as anything typed, so that unknown members pass. Of the package, only `server/http_*` imports `mcp`.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthorizationContext
from mcp.server.connection import allowed_log_levels
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.dispatcher import Outbound
from mcp.shared.exceptions import MCPError
from mcp_types.methods import CLIENT_REQUESTS, SPEC_CLIENT_METHODS
from starlette.types import ASGIApp

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.policy import Http
from harnessgym_mcp.core.wire import CLIENT_INFO_KEY, MODERN
from harnessgym_mcp.server.http_guard import Guard, allowed_hosts, allowed_origins
from harnessgym_mcp.server.http_line import Board, Line
from harnessgym_mcp.server.http_replay import Replay, SessionEvents

__all__ = ["Door", "HttpFront"]

_Context = ServerRequestContext[Any, Any]
_LINE = "line"


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: the bearer token ("" for none), and names beside loopback's under which we are asked."""

    host: str = "127.0.0.1"
    token: str = ""
    names: tuple[str, ...] = ()


class _Stream:
    """One of the SDK's streams as an Outlet."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def tell(self, method: str, params: Mapping[str, Any] | None) -> None:
        await self._outbound.notify(method, params)

    async def ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            return {"result": await self._outbound.send_raw_request(method, params)}
        except MCPError as error:
            return {"error": error.error.model_dump(exclude_none=True)}


class _Sessions(StreamableHTTPSessionManager):
    """Gives each session events of its own: the SDK names streams by request ids, which clients choose alike."""

    def __init__(self, replay: Replay, **settings: Any) -> None:
        super().__init__(**settings)
        self._replay = replay

    def _admit_session(self, requestor: AuthorizationContext | None) -> StreamableHTTPServerTransport | None:
        self.event_store = SessionEvents(self._replay)
        return super()._admit_session(requestor)


class HttpFront:
    """Any number of clients. `app` is to be served while `running`.

    `schema_of(tool)` gives the input schema of a listed tool, or None, for the transport's check of `Mcp-Param-*`.
    """

    def __init__(
        self,
        board: Board,
        schema_of: Callable[[str], Any],
        new_session: Callable[[str, str], Session],
        settings: Http,
        door: Door,
        *,
        fixed: bool = False,
    ) -> None:
        self._board = board
        self._new_session = new_session  # of an HTTP session's id; in the era that has none, of "" and a client's name
        self._settings = settings
        self._fixed = fixed
        server: Server[Any] = Server("harnessgym", get_tool_input_schema=schema_of)
        server.middleware[:] = [self._take]
        hosts = allowed_hosts(door.host, door.names)
        self._manager = _Sessions(
            Replay(settings.replay_bytes),
            app=server,
            security_settings=TransportSecuritySettings(
                allowed_hosts=hosts, allowed_origins=allowed_origins(hosts), enable_dns_rebinding_protection=True
            ),
            retry_interval=round(settings.retry * 1000),
            session_idle_timeout=settings.idle,
            max_request_body_size=settings.body_bytes,
            max_sessions=settings.sessions,
        )
        self.app: ASGIApp = Guard(self._manager.asgi_app, door.token)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._manager.run():
            yield

    # ---- each message

    async def _take(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        if ctx.protocol_version == MODERN:
            return await self._take_modern(ctx, call_next)
        connection = ctx.session._connection
        line: Line | None = connection.state.get(_LINE)
        if line is None:
            line = connection.state[_LINE] = self._open(connection.session_id or "", _Stream(connection.outbound))
            connection.exit_stack.push_async_callback(line.close)
        if ctx.request_id is None:
            await call_next(ctx)  # the SDK keeps the handshake's state
            line.notify(ctx.method, ctx.params)
            return None
        return await self._answer(line, ctx)

    async def _take_modern(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        """A client for one request; what has no place in this revision is refused by the SDK."""
        if ctx.method in SPEC_CLIENT_METHODS and (ctx.method, ctx.protocol_version) not in CLIENT_REQUESTS:
            return await call_next(ctx)
        line = self._open("", None, _client_name(ctx.meta))
        try:
            return await self._answer(line, ctx)
        finally:
            await line.close()

    def _open(self, session_id: str, standing: _Stream | None, client: str = "") -> Line:
        line = Line(
            self._board,
            self._new_session(session_id, client),
            fixed=self._fixed,
            standing=standing,
            queue=self._settings.queue,
        )
        self._board.clients.add(line.client)
        return line

    async def _answer(self, line: Line, ctx: _Context) -> dict[str, Any]:
        assert ctx.request_id is not None
        meta = ctx.meta if isinstance(ctx.meta, dict) else None
        levels = allowed_log_levels(ctx.protocol_version, meta)
        stream = _Stream(ctx.session._request_outbound)
        answer = await line.request(ctx.request_id, ctx.method, ctx.params, stream, levels)
        if "error" in answer:
            error = answer["error"]
            raise MCPError(code=error["code"], message=error["message"], data=error.get("data"))
        result: dict[str, Any] = answer["result"]
        return result


def _client_name(meta: object) -> str:
    """What the client calls itself in its request; "" where it does not say."""
    told = meta.get(CLIENT_INFO_KEY) if isinstance(meta, dict) else None
    return str(told.get("name", ""))[:40] if isinstance(told, dict) else ""
