"""What a request to us is made of: who asks, its parameters read, and the frames that answer it."""

import json
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from harnessgym_mcp.core.frames import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    encode,
    error_reply,
    notification,
    object_of,
    result_reply,
    splice_answer,
)
from harnessgym_mcp.core.framing import Part
from harnessgym_mcp.server import handshake
from harnessgym_mcp.server.client import Client, Identity
from harnessgym_mcp.upstream.call import Call

__all__ = [
    "RESOURCE_NOT_FOUND",
    "Ask",
    "OwnTools",
    "RpcFault",
    "Shape",
    "answer_frame",
    "dispatched",
    "object_param",
    "result_frame",
    "result_of",
    "text_param",
    "values",
]

RESOURCE_NOT_FOUND = -32002
"""Of the legacy revisions; the one without a handshake says -32602."""


Shape = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes of a server's result what its client is to see."""


_decode_text = msgspec.json.Decoder(str).decode


class RpcFault(Exception):
    """A request that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class Ask:
    """One own-tool call: who asks, with what, and how to tell of progress."""

    def __init__(self, client: Client, identity: Identity, arguments: dict[str, Any], token: bytes) -> None:
        self.client = client
        self.identity = identity
        self.arguments = arguments
        self._token = token

    def progress(self, done: float, total: float, text: str) -> None:
        if self._token:
            params = {"progress": done, "total": total, "message": text}
            raw = {"progressToken": Raw(self._token)} | {k: Raw(encode(v)) for k, v in params.items()}
            self.client.send(notification("notifications/progress", raw))


class OwnTools(Protocol):
    """The control tools. The result is an MCP tool result."""

    async def __call__(self, name: str, ask: Ask) -> dict[str, Any]: ...


def answer_frame(raw_id: bytes, call: Call, modern: bool, shape: Shape | None = None) -> tuple[Part, ...]:
    """The answer of a forwarded request, in parts; `shape` rewrites the URIs in a result that holds some."""
    if call.answer and call.answer.is_result and shape:
        body = shape(result_of(call))
        return (result_reply(raw_id, json.dumps(({"resultType": "complete"} if modern else {}) | body).encode()),)
    if call.answer:
        return splice_answer(raw_id, call.answer, modern)
    error = call.error
    message = error.message if error else "the call ended without an answer"
    data = {"code": error.code} if error else None
    return (error_reply(raw_id, INTERNAL_ERROR, message, data),)


def result_of(call: Call) -> dict[str, Any]:
    """The result that a call was answered with."""
    value = json.loads(call.answer.body) if call.answer else None
    return value if isinstance(value, dict) else {}


def result_frame(raw_id: bytes, body: dict[str, Any], modern: bool, cacheable: bool = False) -> bytes:
    return result_reply(raw_id, encode(handshake.modern_result(body, cacheable=cacheable) if modern else body))


def text_param(raw: Raw | UnsetType, what: str) -> str:
    try:
        return _decode_text(raw if raw is not UNSET else b"null")
    except ValueError:  # of the wrong type, or not UTF-8
        raise RpcFault(INVALID_PARAMS, f"`{what}` is a text") from None


def object_param(raw: Raw | UnsetType, what: str) -> dict[str, Any]:
    if raw is UNSET or bytes(raw) == b"null":
        return {}
    try:
        value = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RpcFault(INVALID_PARAMS, f"`{what}` is an object")
    return value


def values(params: dict[str, Raw] | UnsetType) -> dict[str, Any]:
    return {} if params is UNSET else {k: _value(v) for k, v in params.items() if k != "_meta"}


def _value(raw: Raw) -> Any:
    try:
        return json.loads(bytes(raw))
    except (ValueError, RecursionError):
        raise RpcFault(INVALID_PARAMS, "a parameter cannot be read") from None


def dispatched(params: dict[str, Raw]) -> dict[str, Raw]:
    """The params of the call that `harnessgym.call {tool, arguments}` stands for; the rest (`_meta`) is kept."""
    inner = object_of(params.get("arguments", UNSET))
    if "tool" not in inner:
        raise RpcFault(INVALID_PARAMS, "harnessgym.call needs `tool`: a name as harnessgym.tools lists it")
    arguments = inner.get("arguments", Raw(b"{}"))
    return {**params, "name": inner["tool"], "arguments": arguments}
