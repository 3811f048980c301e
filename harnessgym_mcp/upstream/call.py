"""A forwarded request under way: everything that its answer, its deadline or its death will need."""

import time
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Raw

from harnessgym_mcp.core.frames import Answer
from harnessgym_mcp.errors import UpstreamDiedError, UpstreamError

__all__ = ["HEAVY", "Call", "CallTimeoutError", "Status"]

HEAVY: Final = 16_384
"""Bytes of a request or an answer, from which a call is not kept longer than it has to be."""

Status = Literal["completed", "tool_error", "protocol_error", "timeout", "cancelled", "crashed"]


class CallTimeoutError(UpstreamError):
    """The call's deadline passed without an answer."""

    code = "call-timeout"


class Call:
    """One call. `done(call)` is run once, when `status` is set; `answer` or `error` then says how it ended."""

    __slots__ = (
        "answer", "at", "deadline", "done", "error", "finished", "heavy", "method", "modern", "mount", "number",
        "origin", "params", "started", "status", "timeout", "token", "tool",
    )  # fmt: skip

    def __init__(
        self,
        tool: str,
        params: dict[str, Raw],
        done: Callable[["Call"], None],
        *,
        modern: bool,
        timeout: float,
        origin: str,
        method: str = "tools/call",
    ) -> None:
        self.method = method
        self.tool = tool  # its name upstream; "" for what is no tools/call
        self.params = params  # `name` already rewritten
        self.done = done
        self.modern = modern
        self.heavy = False
        self.origin = origin
        self.at = time.time()
        self.started = time.monotonic()
        self.finished = 0.0
        self.timeout = timeout
        self.deadline = self.started + timeout
        self.number = 0  # its id upstream; 0 while it waits
        self.token = b""
        self.mount: Callable[[Call], None] | None = None  # told first, to go on with its queue
        self.status: Status | None = None
        self.answer: Answer | None = None
        self.error: UpstreamError | None = None

    # ---- Waiter

    def answered(self, answer: Answer) -> None:
        self.answer = answer
        if len(answer.frame) > HEAVY:
            self.heavy = True
        if not answer.is_result:
            self.finish("protocol_error")
        else:
            self.finish("tool_error" if answer.tool_error else "completed")

    def failed(self, error: UpstreamError) -> None:
        self.error = error
        if isinstance(error, UpstreamDiedError):
            self.finish("crashed")
        else:
            self.finish("timeout" if isinstance(error, CallTimeoutError) else "protocol_error")

    def finish(self, status: Status) -> None:
        """Once only: a second end is ignored."""
        if self.status is not None:
            return
        self.status = status
        self.finished = time.monotonic()
        self.done(self)
        if self.mount:
            self.mount(self)
