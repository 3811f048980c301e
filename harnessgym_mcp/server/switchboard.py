"""The switchboard: each frame from a client is answered, forwarded or refused, and nothing is dropped in silence.

The way of a forwarded call holds no task and no await: parse, look the name up, splice, hand to the mount; the
answer comes back through `_called`. Own tools run as tasks beside it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from harnessgym_mcp.core import names
from harnessgym_mcp.core.eras import EraError, is_modern
from harnessgym_mcp.core.events import Alike
from harnessgym_mcp.core.frames import (
    CANCELLED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Message,
    encode,
    error_reply,
    notification,
    object_of,
    parse,
    result_reply,
)
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.wire import CLIENT_INFO_KEY, SUBSCRIPTION_KEY
from harnessgym_mcp.errors import FrameError
from harnessgym_mcp.server import handshake
from harnessgym_mcp.server.asking import (
    RESOURCE_NOT_FOUND,
    Ask,
    OwnTools,
    RpcFault,
    Shape,
    answer_frame,
    dispatched,
    object_param,
    result_frame,
    text_param,
    values,
)
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.forwarded import Forwarded
from harnessgym_mcp.server.recorder import Sink
from harnessgym_mcp.server.relay import Reader, Relay, text_of
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.server.upward import Upward
from harnessgym_mcp.upstream.call import HEAVY, Call
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Switchboard"]

logger = logging.getLogger(__name__)

_PREFIX = names.OWN + "."
_CALL = _PREFIX + "call"


class Switchboard:
    """Routes the frames of any number of clients over one mount table."""

    def __init__(self, table: MountTable, own: OwnTools, reader: Reader, sink: Sink, policy: Policy) -> None:
        self.table = table
        self.clients: set[Client] = set()
        self._own = own
        self._relay = Relay(table, reader)
        self._upward = Upward(policy.grants)
        self._record = sink.put
        self._policy = policy
        self._done = self._ended  # bound once, not for each call

    # ---- from a client

    def receive(self, client: Client, frame: bytes) -> None:
        """One frame from a client."""
        try:
            message = parse(frame)
        except FrameError as error:
            if frame[:1] == b"[":
                self._receive_batch(client, frame, error)
            else:
                client.send(error_reply(error.request_id, error.rpc_code, error.message))
            return
        if message.method is UNSET:
            self._upward.answered(client, message)
            return
        if message.id is UNSET:
            self._notified(client, message)
        else:
            self._requested(client, message)
            if len(frame) > HEAVY and (call := client.calls.get(message.raw_id)):
                call.heavy = True

    def _receive_batch(self, client: Client, frame: bytes, error: FrameError) -> None:
        """A batch (2025-03-26 alone has them): each message is taken, and answered, by itself."""
        try:
            parts = msgspec.json.decode(frame, type=list[Raw])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            parts = []
        if not parts:
            client.send(error_reply(b"null", error.rpc_code, error.message))
        for part in parts:
            if bytes(part)[:1] == b"[":
                client.send(error_reply(b"null", INVALID_REQUEST, "a batch within a batch"))
            else:
                self.receive(client, bytes(part))

    def _requested(self, client: Client, message: Message) -> None:
        raw_id = message.raw_id
        try:
            modern = is_modern(message.params)
            if raw_id in client.calls or raw_id in client.tasks:
                raise RpcFault(INVALID_REQUEST, "this id is in use by a request under way")
            if message.method == "tools/call":
                self._call(client, raw_id, message, modern)
            else:
                self._other(client, raw_id, message, modern)
        except (EraError, RpcFault) as fault:
            client.send(error_reply(raw_id, fault.code, fault.message, fault.data))

    # ---- tools/call

    def _call(self, client: Client, raw_id: bytes, message: Message, modern: bool) -> None:
        params = {} if message.params is UNSET else message.params
        name = text_param(params.get("name", UNSET), "name")
        via = ""
        if name == _CALL:
            params = dispatched(params)
            name, via = text_param(params["name"], "tool"), "call"
        route = self.table.catalog.routes.get(name)
        if route is None and (resolved := self._resolve(name)):
            name, route = resolved, self.table.catalog.routes.get(resolved)
        if route:
            mount = self.table.mounts[route.artifact]
            params = {**params, "name": route.spelt}
            self._forward(client, raw_id, mount, params, modern, alike=client.alike(route, params, via))
        else:
            self._own_call(client, raw_id, name, params, modern)

    def _resolve(self, name: str) -> str | None:
        found = self.table.catalog.resolve(name)
        if found or name.startswith(_PREFIX):
            return found
        plain = names.sanitised(names.unprefixed(name))
        own = (t.name for t in self.table.catalog.tools if not t.artifact)
        return next((n for n in own if names.sanitised(n) == plain), None)

    def _forward(
        self,
        client: Client,
        raw_id: bytes,
        mount: Mount,
        params: dict[str, Raw],
        modern: bool,
        *,
        method: str = "tools/call",
        alike: Alike | None = None,
        shape: Shape | None = None,
    ) -> None:
        """Hand a request to its mount; its answer goes straight to the client, a tool's call onto the record."""
        call = client.calls[raw_id] = Forwarded(
            client=client,
            raw_id=raw_id,
            mount=mount,
            shape=shape,
            alike=alike,
            method=method,
            params=params,
            modern=modern,
            timeout=mount.launch.call_seconds(self._policy.timeouts.call),
            done=self._done,
        )
        mount.submit(call)

    def _ended(self, call: Forwarded) -> None:
        client = call.client
        client.calls.pop(call.raw_id, None)
        if call.status != "cancelled":
            shape = call.shape or self._relay.shape_of(call.mount, call)
            client.send(*answer_frame(call.raw_id, call, call.modern, shape))
        if call.alike:
            self._record(call, call.heavy)

    def _under_way(self) -> list[Forwarded]:
        return [call for client in self.clients for call in client.calls.values()]

    def sweep(self) -> None:
        """Answer what is past its deadline; let idle servers rest."""
        now = time.monotonic()
        for call in self._under_way():
            if call.deadline < now:
                call.mount.expire(call)
        self.table.sweep()

    # ---- own tools

    def _own_call(self, client: Client, raw_id: bytes, name: str, params: dict[str, Raw], modern: bool) -> None:
        known = [t.name for t in self.table.catalog.tools]
        if name == _CALL:
            raise RpcFault(INVALID_PARAMS, f"{_CALL} calls another tool, not itself; name that one in `tool`")
        if name not in known:
            like = names.near(name, known)
            hint = f"; did you mean {' or '.join(like)}?" if like else "; harnessgym.tools lists what there is"
            raise RpcFault(INVALID_PARAMS, f"Unknown tool: {one_line(name, 128)}{hint}")
        arguments = object_param(params.get("arguments", UNSET), "arguments")
        token = bytes(object_of(params.get("_meta", UNSET)).get("progressToken", b""))
        ask = Ask(client, client.identity(params), arguments, token)
        self._spawn(client, raw_id, self._own(name, ask), modern)

    def _spawn(
        self,
        client: Client,
        raw_id: bytes,
        work: Awaitable[dict[str, Any] | None],
        modern: bool,
        cacheable: bool = False,
    ) -> None:
        async def answer() -> None:
            try:
                body = await work
                if body is None:
                    raise RpcFault(METHOD_NOT_FOUND, "method not found")
                client.send(result_frame(raw_id, body, modern, cacheable))
            except RpcFault as fault:
                code = INVALID_PARAMS if modern and fault.code == RESOURCE_NOT_FOUND else fault.code
                client.send(error_reply(raw_id, code, fault.message, fault.data))
            except Exception as error:  # a defect of ours must not leave the client without an answer
                logger.exception("an own request failed")
                client.send(error_reply(raw_id, INTERNAL_ERROR, f"internal error: {type(error).__name__}: {error}"))
            finally:
                client.tasks.pop(raw_id, None)

        client.tasks[raw_id] = asyncio.create_task(answer())

    # ---- everything else

    def _other(self, client: Client, raw_id: bytes, message: Message, modern: bool) -> None:
        method = str(message.method)
        params = message.params
        if modern:
            self._introduce(client, params)
        if method == "initialize":
            client.initialized = True
            value = values(params)
            client.introduce(value.get("clientInfo"))
            offered = value.get("capabilities")
            client.capabilities = offered if isinstance(offered, dict) else {}
            client.send(result_frame(raw_id, handshake.initialize(value.get("protocolVersion")), False))
        elif method == "server/discover":
            client.send(result_reply(raw_id, encode(handshake.discover())))
        elif method == "ping":
            client.send(result_frame(raw_id, {}, modern))
        elif method == "tools/list":
            self._list_tools(client, raw_id, values(params), modern)
        elif method == "subscriptions/listen" and modern:
            self._listen(client, raw_id, params)
        else:
            self._relayed(client, raw_id, method, {} if params is UNSET else params, modern)

    def _relayed(self, client: Client, raw_id: bytes, method: str, params: dict[str, Raw], modern: bool) -> None:
        """What mounted servers may offer as well: to the one it is for, else the merged lists and our own."""
        if method == "resources/subscribe":
            client.subscriptions.add(text_of(params.get("uri")))
        elif method == "resources/unsubscribe":
            client.subscriptions.discard(text_of(params.get("uri")))
        routed = self._relay.route(method, params, modern)
        if routed and self._relay.is_followed(routed, method):
            self._relay.follow(self.clients)
            client.send(result_frame(raw_id, {}, modern))
        elif routed:
            self._forward(client, raw_id, routed.mount, routed.params, modern, method=method, shape=routed.shape)
        else:
            self._spawn(client, raw_id, self._relay(method, values(params)), modern, cacheable=method != "prompts/get")

    def _introduce(self, client: Client, params: dict[str, Raw] | UnsetType) -> None:
        if not client.session.client and params is not UNSET:
            info = object_of(params["_meta"]).get(CLIENT_INFO_KEY)
            client.introduce(values({"info": info})["info"] if info is not None else None)

    def _list_tools(self, client: Client, raw_id: bytes, params: dict[str, Any], modern: bool) -> None:
        tools = self.table.catalog.listed
        page = self._policy.limits.list_page
        cursor = params.get("cursor") or "0"
        if not isinstance(cursor, str) or not cursor.isdecimal() or int(cursor) > len(tools):
            raise RpcFault(INVALID_PARAMS, "unknown cursor; begin again without one")
        start = int(cursor)
        more = {"nextCursor": str(start + page)} if start + page < len(tools) else {}
        body = handshake.modern_result(more, cacheable=True) if modern else more
        listed = b'{"tools":[' + b",".join(t.json for t in tools[start : start + page]) + b"]"
        rest = encode(body)[1:]
        client.send(result_reply(raw_id, listed + (b"," if len(rest) > 1 else b"") + rest))
        client.listed()

    def _listen(self, client: Client, raw_id: bytes, params: dict[str, Raw] | UnsetType) -> None:
        """Acknowledge first, with what will be honoured; the request itself stays open."""
        wanted = object_of(params["notifications"]) if params is not UNSET and "notifications" in params else None
        if wanted is None:
            raise RpcFault(INVALID_PARAMS, "subscriptions/listen needs `notifications`")
        kinds = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
        honoured = {k: v for k, v in wanted.items() if k in kinds and bytes(v) == b"true"}
        honoured |= {k: v for k, v in wanted.items() if k == "resourceSubscriptions" and bytes(v)[:1] == b"["}
        client.listens[raw_id] = honoured
        body = b"{" + b",".join(b"%b:%b" % (encode(k), v) for k, v in honoured.items()) + b"}"
        meta = b'{"%b":%b}' % (SUBSCRIPTION_KEY.encode(), raw_id)
        acknowledged = {"notifications": Raw(body), "_meta": Raw(meta)}
        client.send(notification("notifications/subscriptions/acknowledged", acknowledged))
        self._relay.follow(self.clients)

    # ---- notifications of a client

    def _notified(self, client: Client, message: Message) -> None:
        if message.method != CANCELLED or message.params is UNSET:
            return
        raw_id = bytes(message.params.get("requestId", b""))
        call, task = client.calls.get(raw_id), client.tasks.get(raw_id)
        if call:
            call.mount.cancel(call, message.params.get("reason"))
        elif task:
            task.cancel()
        elif client.listens.pop(raw_id, None) is not None:
            self._relay.follow(self.clients)

    # ---- to the clients

    def announce(self, kind: str) -> None:
        for client in self.clients:
            client.announce(kind)

    def notified(self, mount: Mount, message: Message) -> None:
        """A server's notification, to those it is for: subscribers, or whoever has a request under way in it."""
        if message.method == "notifications/resources/updated":
            uri, params = self._relay.updated(mount, message)
            frame = notification(message.method, params)
            for client in self.clients:
                client.resource_updated(uri, frame, params)
            return
        told = self._relay.notification_of(mount, message)
        asking = {call.client for call in self._under_way() if call.mount is mount}
        for client in (asking or self.clients) if told else ():
            client.send(told or b"")

    def requested(self, mount: Mount, message: Message) -> bool:
        """A server's own request: passed to the client that waits for it, where policy grants it."""
        waiting = [call for call in self._under_way() if call.mount is mount]
        if waiting:
            return self._upward.asked(mount, max(waiting, key=lambda call: call.started).client, message)
        return self._upward.asked(mount, next(iter(self.clients), None), message)

    def progressed(self, call: Call, message: Message) -> None:
        """A server's progress, on to whoever asked, with the caller's own token."""
        if isinstance(call, Forwarded):
            call.client.send(notification("notifications/progress", message.params))

    async def disconnect(self, client: Client) -> None:
        """The client is gone: what it waited for is cancelled."""
        self.clients.discard(client)
        if client.listens or client.subscriptions:
            self._relay.follow(self.clients)
        for task in list(client.tasks.values()):
            task.cancel()
        for call in list(client.calls.values()):
            call.mount.cancel(call, Raw(b'"the client is gone"'))
