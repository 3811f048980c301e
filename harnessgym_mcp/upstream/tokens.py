"""Progress tokens of one server's calls: unique to the server, and to each caller the one it chose.

Clients choose tokens alike (most count from 0). One that is taken is replaced on its way to the server and put back in
the notifications about it; all others pass as they are.
"""

import itertools

from msgspec import Raw

from harnessgym_mcp.core.frames import Message, encode, object_of
from harnessgym_mcp.upstream.call import Call

__all__ = ["Tokens"]


class Tokens:
    """The tokens of the calls under way."""

    def __init__(self) -> None:
        self._calls: dict[bytes, tuple[Call, Raw]] = {}  # as sent -> call, the caller's own
        self._numbers = itertools.count(1)

    def register(self, call: Call, params: dict[str, Raw]) -> dict[str, Raw]:
        """The params as the server is to see them."""
        meta = object_of(params["_meta"])
        own = meta.get("progressToken")
        if own is None:
            return params
        call.token = bytes(own)
        if call.token in self._calls:
            call.token = b'"harnessgym-%d"' % next(self._numbers)
            members = meta | {"progressToken": Raw(call.token)}
            joined = b"{" + b",".join(b"%b:%b" % (encode(k), v) for k, v in members.items()) + b"}"
            params = {**params, "_meta": Raw(joined)}
        self._calls[call.token] = (call, own)
        return params

    def forget(self, call: Call) -> None:
        self._calls.pop(call.token, None)

    def call_of(self, progress: Message) -> Call | None:
        """Whose progress it is; the caller's token is put back. None when its call is over or there was none."""
        if not isinstance(progress.params, dict):
            return None
        call, own = self._calls.get(bytes(progress.params.get("progressToken", b"")), (None, None))
        if call is None or own is None or call.status is not None:
            return None
        progress.params["progressToken"] = own
        return call
