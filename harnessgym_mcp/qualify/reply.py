"""What came back for one call, kept as it was for those who judge it."""

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Raw

from harnessgym_mcp.core.frames import Answer, object_of
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UpstreamDiedError, UpstreamError

__all__ = ["Pending", "Reply", "as_result"]

_DEEPEST = 128  # levels of an answer; parsers give up at some hundreds


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one call; `size` in bytes, `ms` in milliseconds."""

    kind: Literal["result", "rpc-error", "timeout", "died", "garbled"]
    result: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    ms: float = 0.0
    size: int = 0

    @property
    def answered(self) -> bool:
        """Did the server give a proper answer, of whatever content?"""
        return self.kind in ("result", "rpc-error")

    @property
    def failed(self) -> bool:
        """An answer that says no."""
        return self.kind == "rpc-error" or bool(self.result.get("isError"))


def as_result(reply: Reply) -> dict[str, Any]:
    """The answer as a tool result: a JSON-RPC error counts as one with isError."""
    if reply.kind == "rpc-error":
        return {"content": [{"type": "text", "text": reply.message}], "isError": True}
    return reply.result


class Pending:
    """The waiter for one call: keeps the bytes, to weigh and search them."""

    def __init__(self, canary: bytes) -> None:
        self.started = time.perf_counter()
        self.future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.leaked = False
        self._canary = canary

    def answered(self, answer: Answer) -> None:
        self.leaked = self._canary in answer.frame
        self._done(_reply(answer, (time.perf_counter() - self.started) * 1000))

    def failed(self, error: UpstreamError) -> None:
        kind: Literal["died", "garbled"] = "died" if isinstance(error, UpstreamDiedError) else "garbled"
        self._done(Reply(kind, message=error.message, ms=(time.perf_counter() - self.started) * 1000))

    def _done(self, reply: Reply) -> None:
        if not self.future.done():
            self.future.set_result(reply)


def _reply(answer: Answer, ms: float) -> Reply:
    body = answer.body
    size = len(body)
    if not answer.is_result:
        message = object_of(body).get("message", Raw(b'""'))
        return Reply("rpc-error", message=_text(bytes(message)), ms=ms, size=size)
    try:
        value = json.loads(body)
        if b"\\ud" in body.lower():  # a lone surrogate is JSON, and no text
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        return Reply("garbled", message="the answer holds bytes or escapes that are no Unicode text", ms=ms, size=size)
    except (ValueError, RecursionError) as error:
        return Reply("garbled", message=f"an answer that cannot be read: {error}", ms=ms, size=size)
    if _deeper_than(value, _DEEPEST):
        what = f"the answer is nested deeper than {_DEEPEST} levels, which few clients can read"
        return Reply("garbled", message=what, ms=ms, size=size)
    return Reply("result", result=value, ms=ms, size=size)


def _deeper_than(value: Any, most: int) -> bool:
    """Is a JSON value nested in more levels than that?"""
    level = [value]
    for _ in range(most + 1):
        level = [inner for outer in level for inner in _within(outer)]
        if not level:
            return False
    return True


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _text(raw: bytes) -> str:
    try:
        return str(json.loads(raw))
    except (ValueError, RecursionError):
        return one_line(raw.decode("utf-8", "replace"))
