"""The bridge between the eras: which era a request belongs to, and what a hop to the other era changes.

Each request is classified by its own `_meta`, never by what came before it on the pipe.
"""

from typing import Any

from msgspec import UNSET, Raw, UnsetType

from harnessgym_mcp.core.frames import INVALID_PARAMS, encode, object_of
from harnessgym_mcp.core.wire import (
    CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    MODERN,
    SUPPORTED,
    UNSUPPORTED_VERSION,
    VERSION_KEY,
)

__all__ = ["EraError", "bridge", "is_modern"]

_MARK = VERSION_KEY.encode()
_CONNECTION_KEYS = (VERSION_KEY, CAPABILITIES_KEY, CLIENT_INFO_KEY)


class EraError(Exception):
    """A modern request whose envelope is wrong: the JSON-RPC error to answer with."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def is_modern(params: dict[str, Raw] | UnsetType) -> bool:
    """Does the request carry the per-request envelope? Raises EraError when it does, wrongly."""
    if params is UNSET or "_meta" not in params or _MARK not in bytes(params["_meta"]):
        return False
    meta = object_of(params["_meta"])
    version = bytes(meta.get(VERSION_KEY, b""))
    if not version:
        return False
    if version != b'"%b"' % MODERN.encode():
        wanted = version.decode("utf-8", "replace").strip('"')[:40]
        data = {"supported": list(SUPPORTED), "requested": wanted}
        raise EraError(UNSUPPORTED_VERSION, f"protocol version {wanted!r} is not served without a handshake", data)
    if bytes(meta.get(CAPABILITIES_KEY, b""))[:1] != b"{":
        raise EraError(INVALID_PARAMS, f"_meta lacks {CAPABILITIES_KEY}")
    return True


def bridge(params: dict[str, Raw], caller_modern: bool, peer_modern: bool) -> dict[str, Raw]:
    """The params for the next hop: connection keys taken off or put on where the eras differ."""
    if caller_modern == peer_modern:
        return params
    meta = object_of(params.get("_meta", UNSET))
    if caller_modern:
        for key in _CONNECTION_KEYS:
            meta.pop(key, None)
    else:
        meta |= {VERSION_KEY: Raw(encode(MODERN)), CAPABILITIES_KEY: Raw(b"{}"), CLIENT_INFO_KEY: _OWN_INFO}
    if meta:
        return {**params, "_meta": Raw(b"{" + b",".join(b"%b:%b" % (encode(k), v) for k, v in meta.items()) + b"}")}
    return {k: v for k, v in params.items() if k != "_meta"}


_OWN_INFO = Raw(b'{"name":"harnessgym","version":"0"}')
