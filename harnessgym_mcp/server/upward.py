"""Requests that go upward: a mounted server asks its client (sampling, elicitation, roots), where policy grants it."""

import itertools

from msgspec import UNSET, Raw

from harnessgym_mcp.core.frames import Message, encode, request, result_reply
from harnessgym_mcp.core.policy import Grants
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Upward"]

_ABILITIES = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}


class Upward:
    """Open requests of mounted servers to clients, under ids of ours."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._ids = itertools.count(1_000_000_000)  # far from the small numbers that clients use themselves
        self._open: dict[bytes, tuple[Client, Mount, bytes]] = {}

    def asked(self, mount: Mount, client: Client | None, message: Message) -> bool:
        """Pass a request on; False when policy does not grant it or the client cannot do it."""
        ability = _ABILITIES.get(str(message.method), "")
        if client is None or not getattr(self._grants, ability, False) or ability not in client.capabilities:
            return False
        number = next(self._ids)
        self._open[b"%d" % number] = (client, mount, message.raw_id)
        client.send(request(number, str(message.method), message.params))
        return True

    def answered(self, client: Client, message: Message) -> None:
        """A client's answer; one that nobody asked for is passed over."""
        asked = self._open.get(message.raw_id)
        if asked is None or asked[0] is not client:
            return
        del self._open[message.raw_id]
        _, mount, raw_id = asked
        if message.result is not UNSET:
            mount.answer(result_reply(raw_id, bytes(message.result)))
            return
        error = message.error if message.error is not UNSET else Raw(encode({"code": -32603, "message": "no answer"}))
        mount.answer(b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (raw_id, bytes(error)))
