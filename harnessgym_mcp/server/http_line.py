"""One client of the HTTP front at the switchboard: requests go in as frames, and whatever comes out finds its stream.

A request's answer, its progress, and what the server says meanwhile travel on that request's own stream, in the order
in which they came; changes of lists and resources travel on the session's standing stream. In the revision without
a handshake each request is a client of its own, so all that it is sent belongs to its one stream.
"""

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.frames import CANCELLED, INTERNAL_ERROR, INVALID_REQUEST, encode, error_reply, parse
from harnessgym_mcp.core.framing import Part
from harnessgym_mcp.errors import FrameError
from harnessgym_mcp.server.client import Client

__all__ = ["Board", "Line", "Outlet", "dump"]

logger = logging.getLogger(__name__)

_STANDING = ("notifications/tools/", "notifications/prompts/", "notifications/resources/")
_REASON = 0.05  # a cancelled request waits so long for the notification that says why


class Outlet(Protocol):
    """A stream to the client."""

    async def tell(self, method: str, params: Mapping[str, Any] | None) -> None: ...

    async def ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """The client's answer: an object with `result` or `error`."""
        ...


class Board(Protocol):
    """The switchboard as a line needs it."""

    clients: set[Client]

    def receive(self, client: Client, frame: bytes) -> None: ...
    async def disconnect(self, client: Client) -> None: ...


class _Turn:
    """A request under way."""

    def __init__(self, outlet: Outlet, params: Mapping[str, Any] | None, levels: Collection[str] | None) -> None:
        meta = (params or {}).get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        self.token = b"" if token is None else dump(token)
        self.outlet = outlet
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._levels = levels

    def wants(self, message: dict[str, Any]) -> bool:
        """Log messages below the level that the request asked for are not for it."""
        if self._levels is None or message["method"] != "notifications/message":
            return True
        return (message.get("params") or {}).get("level") in self._levels


class Line:
    """One client. `standing` is its session's own stream; None where there are no sessions."""

    def __init__(self, board: Board, session: Session, *, fixed: bool, standing: Outlet | None, queue: int) -> None:
        self.client = Client(self._send, session, fixed=fixed)
        self._board = board
        self._queue = queue  # notifications that wait for a client that does not read; further ones are let go
        self._dropped = 0
        self._turns: dict[bytes, _Turn] = {}
        self._standing = _Turn(standing, None, None) if standing else None
        self._tasks: set[asyncio.Task[None]] = set()
        if self._standing:
            self._spawn(self._pump(self._standing))

    # ---- from the client

    async def request(
        self,
        id: str | int,
        method: str,
        params: Mapping[str, Any] | None,
        outlet: Outlet,
        levels: Collection[str] | None = None,
    ) -> dict[str, Any]:
        """The answer: an object with `result` or `error`. `levels` are the log levels that the request asked for;
        None lets all through."""
        raw_id = encode(id)
        if raw_id in self._turns:
            return {"error": {"code": INVALID_REQUEST, "message": "this id is in use by a request under way"}}
        turn = self._turns[raw_id] = _Turn(outlet, params, levels)
        try:
            self._receive({"id": id, "method": method, "params": params})
            while "method" in (message := await turn.messages.get()):
                await outlet.tell(message["method"], message.get("params"))
            return message
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(_REASON, self._abandon, id)
            raise
        finally:
            del self._turns[raw_id]

    def notify(self, method: str, params: Mapping[str, Any] | None) -> None:
        self._receive({"method": method, "params": params})

    def _receive(self, message: dict[str, Any]) -> None:
        members = {k: v for k, v in message.items() if k != "params" or v is not None}
        self._board.receive(self.client, dump({"jsonrpc": "2.0"} | members))

    def _abandon(self, id: str | int) -> None:
        """The request was cancelled, or its stream closed; where a notification said so before, this says nothing."""
        raw_id = encode(id)
        if raw_id in self.client.calls or raw_id in self.client.tasks:
            self.notify(CANCELLED, {"requestId": id})

    async def close(self) -> None:
        """The client is gone."""
        for task in self._tasks:
            task.cancel()
        await self._board.disconnect(self.client)
        if self._dropped:
            logger.warning("%d notifications were not read by %s", self._dropped, self.client.session.id)

    # ---- to the client

    def _send(self, *parts: Part) -> None:
        message = _load(b"".join(parts))
        if "method" not in message:
            turn = self._turns.get(dump(message.get("id")))
            if turn:
                turn.messages.put_nowait(message)
        elif "id" in message:
            self._spawn(self._ask(message))
        else:
            self._tell(message)

    def _tell(self, message: dict[str, Any]) -> None:
        turn = self._turn_of(message)
        if turn is None or not turn.wants(message):
            return
        if turn.messages.qsize() >= self._queue:
            self._dropped += 1
        else:
            turn.messages.put_nowait(message)

    def _turn_of(self, message: dict[str, Any]) -> _Turn | None:
        newest = next(reversed(self._turns.values()), None)
        if self._standing is None:
            return newest
        method = message["method"]
        if method == "notifications/progress":
            token = dump((message.get("params") or {}).get("progressToken"))
            return next((turn for turn in self._turns.values() if turn.token == token), None)
        return self._standing if method.startswith(_STANDING) else newest or self._standing

    async def _pump(self, turn: _Turn) -> None:
        while True:
            message = await turn.messages.get()
            await turn.outlet.tell(message["method"], message.get("params"))

    async def _ask(self, message: dict[str, Any]) -> None:
        """A server's request, on the stream of the newest request: it is the one that waits."""
        turn = next(reversed(self._turns.values()), self._standing)
        if turn:
            self._receive({"id": message["id"]} | await turn.outlet.ask(message["method"], message.get("params")))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def dump(value: Any) -> bytes:
    """JSON; `json`, not msgspec, since a client's integers may be of any size."""
    return json.dumps(value, separators=(",", ":")).encode()


def _load(frame: bytes) -> dict[str, Any]:
    """A frame's values. HTTP carries UTF-8 only: half a surrogate pair becomes U+FFFD; what is nested too deep for
    the transport is answered with an error."""
    try:
        message = json.loads(frame)
        if b"\\ud" in frame or b"\\uD" in frame:
            text = json.dumps(message, ensure_ascii=False)
            message = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        message = json.loads(error_reply(_id_of(frame), INTERNAL_ERROR, "the answer cannot be sent over HTTP"))
    return message if isinstance(message, dict) else {}


def _id_of(frame: bytes) -> bytes:
    try:
        return parse(frame).raw_id
    except FrameError as error:
        return error.request_id
