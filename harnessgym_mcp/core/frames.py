"""JSON-RPC frames: read just far enough to route them, spliced so that all else survives byte for byte.

Values that are only passed on stay `msgspec.Raw`: unknown fields, big integers, key order, spelling. A frame that
msgspec refuses but the JSON grammar allows (a lone surrogate escape) takes the slow path through `json`, which
gives the same values in another spelling. Everything else raises FrameError with the id, where one can be found.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from harnessgym_mcp.core.framing import SHORT, Part
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import FrameError, UpstreamProtocolError

__all__ = [
    "CANCELLED",
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "UNREAD",
    "Answer",
    "Message",
    "encode",
    "error_reply",
    "exactly",
    "notification",
    "object_of",
    "parse",
    "parse_answer",
    "refuse",
    "request",
    "result_reply",
    "splice_answer",
]

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
CANCELLED = "notifications/cancelled"

encode = msgspec.json.Encoder().encode


class Message(Struct, gc=False):
    """One JSON-RPC message: a request (`method`, `id`), a notification (`method`) or an answer (`id`)."""

    id: Raw | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: dict[str, Raw] | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET

    @property
    def raw_id(self) -> bytes:
        """The id as the sender spelt it; empty for a notification."""
        return b"" if self.id is UNSET else bytes(self.id)


class _Block(Struct, gc=False):
    type: str = ""


class _View(Struct, gc=False):
    """What telemetry and the era bridge want to know of a result."""

    content: list[_Block] = []
    isError: bool = False
    resultType: str = ""


class _Fast(Struct, gc=False):
    id: int
    result: _View
    method: str | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class Answer(Struct, frozen=True, gc=False):
    """An upstream's answer. What follows `"result":` or `"error":` begins at `start` of the frame, the closing brace
    included: it is passed on from there as it stands."""

    id: int
    frame: bytes
    start: int
    is_result: bool = True
    tool_error: bool = False
    result_type: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The result or the error alone."""
        return self.frame[self.start :].rstrip()[:-1]


UNREAD = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for JSON that it cannot read; ValueError for a lone surrogate in a text that it decodes."""

_read_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode = msgspec.json.Decoder(Message).decode
_decode_fast = msgspec.json.Decoder(_Fast).decode
_decode_view = msgspec.json.Decoder(_View).decode
_head = re.compile(rb'\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d+)\s*,\s*"result"\s*:\s*(?=\{)').match
_id = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.){0,200}"|-?\d{1,40})')
_brace = re.compile(rb"\{?[ \t\r\n]*")
_legal_id = re.compile(rb'"|-?\d').match


def parse(frame: bytes) -> Message:
    """The message in a frame. Raises FrameError (-32700 or -32600) with the sender's id where it can be recovered."""
    if not _is_text(frame):
        raise FrameError("not UTF-8", request_id=_find_id(frame))
    try:
        message = _decode(frame)
    except msgspec.ValidationError:
        message = _parse_shape(frame)
    except UNREAD as error:
        message = _parse_slowly(frame, error)
    if message.id is not UNSET and not _legal_id(message.id):
        raise FrameError("an id is a string or a number", rpc_code=INVALID_REQUEST)
    if message.method is UNSET and message.result is UNSET and message.error is UNSET:
        raise FrameError("neither a request nor an answer", rpc_code=INVALID_REQUEST, request_id=_find_id(frame))
    return message


def _is_text(frame: bytes) -> bool:
    """Is it UTF-8? Lone surrogates are let pass, as by Python's json. msgspec does not look into what it skips, and a
    server's stray bytes could be the end of a client that reads text."""
    if frame.isascii():
        return True
    try:
        frame.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _parse_shape(frame: bytes) -> Message:
    """Well-formed JSON of the wrong shape; `params: null` is let pass as no params."""
    value = _load(frame, msgspec.ValidationError("not an object"))
    if isinstance(value, dict) and value.get("params", 0) is None:
        return parse(_dump({k: v for k, v in value.items() if k != "params"}))
    what = "params is an object" if isinstance(value, dict) and "params" in value else "a message is an object"
    raise FrameError(f"{what} in MCP", rpc_code=INVALID_REQUEST, request_id=_find_id(frame))


def _parse_slowly(frame: bytes, reason: Exception) -> Message:
    value = _load(frame, reason)
    try:
        return msgspec.convert(_raws(value), Message)
    except msgspec.ValidationError:
        raise FrameError("not a JSON-RPC message", rpc_code=INVALID_REQUEST, request_id=_find_id(frame)) from reason


def _raws(value: Any) -> dict[str, Any]:
    """An object's members as Raw, those of `params` one level deeper."""
    if not isinstance(value, dict):
        return {}
    out: dict[str, Any] = {k: Raw(_dump(v)) for k, v in value.items() if k in ("id", "result", "error")}
    if isinstance(value.get("params"), dict):
        out["params"] = {k: Raw(_dump(v)) for k, v in value["params"].items()}
    if isinstance(value.get("method"), str):
        out["method"] = value["method"]
    return out


def _load(frame: bytes, reason: Exception) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(frame, parse_constant=refuse)
    except RecursionError:
        raise FrameError("nested too deep", request_id=_find_id(frame)) from None
    except ValueError:
        raise FrameError(f"not JSON: {one_line(str(reason))}", request_id=_find_id(frame)) from None


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _find_id(frame: bytes) -> bytes:
    """A request's id out of a damaged frame, looked for near both ends; `null` when there is none."""
    found = _id.search(frame[:4096]) or _id.search(frame[-4096:])
    return found[1] if found else b"null"


def object_of(raw: Raw | bytes | UnsetType) -> dict[str, Raw]:
    """The members of a raw object, unread; {} for anything else."""
    if raw is UNSET:
        return {}
    try:
        return _read_object(raw)
    except UNREAD:
        pass
    try:
        value = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return {}
    return {k: Raw(_dump(v)) for k, v in value.items()} if isinstance(value, dict) else {}


def exactly(names: Sequence[str]) -> Callable[[Raw], object]:
    """Lets an object pass that has members of these names and no others; for anything else, and for some that do, it
    raises what UNREAD names. That takes half as long as to read the names."""
    fields = [(f"_{number}", Raw) for number in range(len(names))]
    rename = {field: name for (field, _), name in zip(fields, names, strict=True)}
    try:
        shape = msgspec.defstruct("Object", fields, rename=rename, forbid_unknown_fields=True, gc=False)
    except ValueError:  # names that would have to be escaped
        return refuse
    return msgspec.json.Decoder(shape).decode


def refuse(raw: Raw) -> NoReturn:
    """Lets nothing pass."""
    raise msgspec.ValidationError


def request(id: int, method: str, params: dict[str, Raw] | UnsetType) -> bytes:
    if params is UNSET:
        return b'{"jsonrpc":"2.0","id":%d,"method":%b}' % (id, encode(method))
    return b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":%b}' % (id, encode(method), _join(params))


def notification(method: str, params: dict[str, Raw] | UnsetType = UNSET) -> bytes:
    if params is UNSET:
        return b'{"jsonrpc":"2.0","method":%b}' % encode(method)
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (encode(method), _join(params))


def _join(members: dict[str, Raw]) -> bytes:
    return b"{" + b",".join([(_KEYS.get(k) or _key(k)) + v for k, v in members.items()]) + b"}"


def _key(key: str) -> bytes:
    try:
        return encode(key) + b":"
    except UnicodeEncodeError:  # a lone surrogate in a key
        return _dump(key) + b":"


_KEYS = {key: _key(key) for key in ("name", "arguments", "_meta", "uri")}


def result_reply(id: bytes, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id, result)


def error_reply(id: bytes, code: int, message: str, data: Any = None) -> bytes:
    """`id` as the client spelt it; `null` where it is unknown."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (id or b"null", encode(error))


def parse_answer(frame: bytes) -> Answer | None:
    """An upstream's answer to one of our integer ids; None when the frame is a request or a notification.

    Raises UpstreamProtocolError for what is neither. The fast path keeps the frame's own bytes; it is taken only
    when no second `id`, `method` or `error` hides behind the result.
    """
    head = _head(frame)
    if head and _is_text(frame):
        try:
            fast = _decode_fast(frame)
        except UNREAD:
            pass
        else:
            view = fast.result
            if fast.id == int(head[1]) and fast.method is UNSET and fast.error is UNSET:
                kinds = _kinds(view)
                return Answer(fast.id, frame, head.end(), True, view.isError, view.resultType, kinds)
    return _parse_answer_slowly(frame)


def _kinds(view: _View) -> tuple[str, ...]:
    return tuple([block.type[:40] for block in view.content])


def _parse_answer_slowly(frame: bytes) -> Answer | None:
    try:
        message = parse(frame)
    except FrameError as error:
        raise UpstreamProtocolError(error.message) from error
    if message.method is not UNSET:
        return None
    try:
        id = int(message.raw_id)
    except ValueError:
        raise UpstreamProtocolError(f"an answer to {one_line(repr(message.raw_id), 60)}, which was not asked") from None
    if message.error is not UNSET:
        return Answer(id, bytes(message.error) + b"}", 0, is_result=False)
    raw = bytes(message.result) if message.result is not UNSET else b"null"
    if raw[:1] != b"{":
        raise UpstreamProtocolError("a result that is no object")
    return _slow_view(id, raw)


def _slow_view(id: int, raw: bytes) -> Answer:
    try:
        view = _decode_view(raw)
        return Answer(id, raw + b"}", 0, True, view.isError, view.resultType, _kinds(view))
    except UNREAD:
        members = object_of(raw)
        kind = bytes(members.get("resultType", b""))
        return Answer(id, raw + b"}", 0, True, bytes(members.get("isError", b"")) == b"true", kind.decode().strip('"'))


def _after_brace(frame: bytes, at: int) -> int:
    found = _brace.match(frame, at)
    return found.end() if found else at


def splice_answer(id: bytes, answer: Answer, modern: bool = False) -> tuple[Part, ...]:
    """The answer under the client's own id, a long one in two parts and uncopied; a modern client is told `resultType`
    where a legacy server did not."""
    frame, start = answer.frame, answer.start
    if not answer.is_result:
        head = b'{"jsonrpc":"2.0","id":%b,"error":' % id
    elif modern and not answer.result_type:
        start = _after_brace(frame, start)
        comma = b"" if frame[start : start + 1] == b"}" else b","
        head = b'{"jsonrpc":"2.0","id":%b,"result":{"resultType":"complete"%b' % (id, comma)
    else:
        head = b'{"jsonrpc":"2.0","id":%b,"result":' % id
    if len(frame) < SHORT:
        return (head + frame[start:],)
    return (head, memoryview(frame)[start:])
