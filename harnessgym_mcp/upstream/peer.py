"""One MCP server at the end of a link: requests, notifications, the handshake of either era.

Answers go to *waiters*: a forwarded call is one, an own request (`Peer.request`) another. A waiter is told exactly
once, with the answer or with the error that ended its hope.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from harnessgym_mcp.core.frames import (
    METHOD_NOT_FOUND,
    Answer,
    Message,
    encode,
    error_reply,
    notification,
    object_of,
    parse,
    parse_answer,
    request,
    result_reply,
)
from harnessgym_mcp.core.launch import Wire
from harnessgym_mcp.core.policy import Grants, Limits
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.wire import CAPABILITIES_KEY, CLIENT_INFO_KEY, LATEST_LEGACY, MODERN, VERSION_KEY
from harnessgym_mcp.errors import FrameError, UpstreamDiedError, UpstreamError, UpstreamProtocolError
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.upstream.link import Link

__all__ = ["Era", "Peer", "PeerEvents", "RpcError", "Waiter", "granted_capabilities"]

Era = Literal["legacy", "modern"]


class RpcError(UpstreamError):
    """The server answered one of our own requests with a JSON-RPC error."""

    code = "upstream-rpc"

    def __init__(self, rpc_code: int, message: str) -> None:
        super().__init__(f"error {rpc_code}: {one_line(message, 400)}")
        self.rpc_code = rpc_code


class Waiter(Protocol):
    """Somebody who waits for one answer; exactly one of the two is called, once."""

    def answered(self, answer: Answer) -> None: ...
    def failed(self, error: UpstreamError) -> None: ...


class PeerEvents(Protocol):
    """What the peer's owner is told beside answers."""

    def notified(self, message: Message) -> None: ...
    def stray(self, line: bytes) -> None: ...
    def late(self, answer: Answer) -> None: ...
    def gone(self, status: str) -> None: ...


class _Ask:
    """The waiter behind `Peer.request`."""

    def __init__(self) -> None:
        self.future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answered(self, answer: Answer) -> None:
        if self.future.done():
            return
        body = answer.body
        if answer.is_result:
            self.future.set_result(body)
        else:
            self.future.set_exception(_rpc_error(body))

    def failed(self, error: UpstreamError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _rpc_error(body: bytes) -> RpcError:
    members = object_of(body)
    try:
        code = int(bytes(members.get("code", b"0")))
    except ValueError:
        code = 0
    return RpcError(code, bytes(members.get("message", b"")).decode("utf-8", "replace").strip('"'))


class Peer:
    """A server process and the conversation with it."""

    def __init__(self, events: PeerEvents, limits: Limits, wire: Wire | None = None) -> None:
        self.wire = wire or Wire()
        self.era: Era = "legacy"
        self.server_info: dict[str, Any] = {}
        self.server_capabilities: dict[str, Any] = {}
        self.on_request: Callable[[Message], bool] | None = None  # True: somebody will answer it
        self.on_writable: Callable[[], None] | None = None
        self.waiting: dict[int, Waiter] = {}
        self.strays = 0
        self.dead: UpstreamDiedError | None = None
        self._events = events
        self._limits = limits
        self._ids = itertools.count(1)
        self._link: Link | None = None

    @property
    def link(self) -> Link:
        if self._link is None:
            raise UpstreamDiedError("the server has not been started")
        return self._link

    async def open(self, prepared: Prepared) -> None:
        """Spawn the server; raises UpstreamStartError."""
        self._link = await Link.open(prepared, self, self._limits, self.wire.framing)

    # ---- asking

    def ask(self, waiter: Waiter, method: str, params: dict[str, Raw] | UnsetType = UNSET) -> int:
        """Send a request on behalf of `waiter`; the number it bears upstream."""
        number = next(self._ids)
        if self.dead:
            waiter.failed(self.dead)
            return number
        self.waiting[number] = waiter
        self.link.send(request(number, method, params))
        return number

    async def request(self, method: str, params: dict[str, Any] | None = None, *, timeout: float) -> dict[str, Any]:
        """An own request's result. Raises RpcError, UpstreamError, TimeoutError (the answer is then not awaited)."""
        ask = _Ask()
        number = self.ask(ask, method, self._own_params(params))
        try:
            async with asyncio.timeout(timeout):
                return _object(await ask.future)
        finally:
            self.waiting.pop(number, None)

    def _own_params(self, params: dict[str, Any] | None) -> dict[str, Raw] | UnsetType:
        out = {k: Raw(encode(v)) for k, v in (params or {}).items()}
        if self.era == "modern":
            out["_meta"] = Raw(encode((params or {}).get("_meta", {}) | _MODERN_META))
        return out or UNSET

    def notify(self, method: str, params: dict[str, Raw] | UnsetType = UNSET) -> None:
        if not self.dead:
            self.link.send(notification(method, params))

    # ---- the handshake

    async def handshake(self, era: Era, timeout: float, capabilities: dict[str, Any] | None = None) -> None:
        """Agree on a protocol version in the given era. Raises UpstreamError or TimeoutError."""
        self.era = era
        if era == "modern":
            result = await self.request("server/discover", timeout=timeout)
            if MODERN not in result.get("supportedVersions", []):
                raise UpstreamProtocolError(f"server/discover does not offer {MODERN}")
            self.wire = msgspec.structs.replace(self.wire, framing=self.link.framing, modern=MODERN)
        else:
            hello = {
                "protocolVersion": LATEST_LEGACY,
                "capabilities": capabilities or {},
                "clientInfo": _CLIENT_INFO,
            }
            result = await self.request("initialize", hello, timeout=timeout)
            version = result.get("protocolVersion")
            if not isinstance(version, str):
                raise UpstreamProtocolError("`initialize` was answered without a protocolVersion")
            self.wire = msgspec.structs.replace(self.wire, framing=self.link.framing, legacy=version[:40])
            self.notify("notifications/initialized")
        offered = result.get("capabilities")
        self.server_capabilities = offered if isinstance(offered, dict) else {}
        info = result.get("serverInfo")
        self.server_info = info if isinstance(info, dict) else {}

    async def list_tools(self, timeout: float) -> list[dict[str, Any]]:
        """All tool definitions. Raises UpstreamProtocolError when they are not a list of objects with names."""
        tools = await self.list_all("tools/list", "tools", timeout)
        if not all(isinstance(tool.get("name"), str) for tool in tools):
            raise UpstreamProtocolError("`tools/list` gave a tool without a name")
        return tools

    async def list_all(self, method: str, key: str, timeout: float, pages: int = 100) -> list[dict[str, Any]]:
        """Every page of a list. Raises UpstreamProtocolError when it is no list of objects."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(pages):
            result = await self.request(method, {"cursor": cursor} if cursor else None, timeout=timeout)
            page = result.get(key)
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise UpstreamProtocolError(f"`{method}` gave no list of {key}")
            items += page
            cursor = result.get("nextCursor")
            if not isinstance(cursor, str):
                return items
        raise UpstreamProtocolError(f"`{method}` has more than {pages} pages")

    # ---- LinkEvents

    def frame(self, frame: bytes) -> None:
        try:
            answer = parse_answer(frame)
        except UpstreamProtocolError as error:
            self._unreadable(frame, error)
            return
        if answer is None:
            self._spoke(frame)
            return
        waiter = self.waiting.pop(answer.id, None)
        if waiter is None:
            self._events.late(answer)
        else:
            waiter.answered(answer)

    def _unreadable(self, frame: bytes, error: UpstreamProtocolError) -> None:
        """A damaged answer whose id can be read fails its call; any other is stray output."""
        cause = error.__cause__
        raw_id = cause.request_id if isinstance(cause, FrameError) else b""
        waiter = self.waiting.pop(int(raw_id), None) if raw_id.isdigit() else None
        if waiter:
            waiter.failed(error)
        else:
            self.stray(frame)

    def _spoke(self, frame: bytes) -> None:
        """A notification, or a request of the server's: ping is answered, all else refused unless policy grants it."""
        message = parse(frame)
        if message.id is UNSET:
            self._events.notified(message)
        elif message.method == "ping":
            self.link.send(result_reply(message.raw_id, b"{}"))
        elif self.on_request is None or not self.on_request(message):
            self.link.send(error_reply(message.raw_id, METHOD_NOT_FOUND, "not granted to mounted servers"))

    def writable(self) -> None:
        if self.on_writable:
            self.on_writable()

    def stray(self, line: bytes) -> None:
        self.strays += 1
        self._events.stray(line)

    def oversize(self, head: bytes) -> None:
        self.stray(head)
        self.fail_all(UpstreamProtocolError(f"a message over {self._limits.frame_bytes} bytes"))

    def gone(self, status: str) -> None:
        tail = self._link.stderr_tail() if self._link else ""
        self.dead = UpstreamDiedError(f"the server {status}" + (f"; its stderr ends: {tail}" if tail else ""))
        self.fail_all(self.dead)
        self._events.gone(status)

    def fail_all(self, error: UpstreamError) -> None:
        waiters, self.waiting = self.waiting, {}
        for waiter in waiters.values():
            waiter.failed(error)

    async def close(self, grace: float) -> bool:
        """EOF, then force; True when the server left by itself (or never ran)."""
        return await self._link.close(grace) if self._link else True


def _object(body: bytes) -> dict[str, Any]:
    import json

    try:
        value = json.loads(body)  # json, not msgspec: lone surrogates and big integers are taken as they are
    except (ValueError, RecursionError) as error:
        raise UpstreamProtocolError(f"a result that cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise UpstreamProtocolError("a result that is no object")
    return value


def granted_capabilities(grants: Grants) -> dict[str, Any]:
    """What a mounted server is told that its client can do: what policy grants, nothing else."""
    offers = {"sampling": grants.sampling, "elicitation": grants.elicitation, "roots": grants.roots}
    return {name: {} for name, granted in offers.items() if granted}


_CLIENT_INFO = {"name": "harnessgym", "version": "0.1.0"}
_MODERN_META = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}, CLIENT_INFO_KEY: _CLIENT_INFO}
