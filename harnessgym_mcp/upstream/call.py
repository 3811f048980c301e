"""A forwarded request under way: everything that its answer, its deadline or its death will need."""

import time
from collections.abc import Callable
from typing import Final, Literal, Protocol, Self

from msgspec import Raw, Struct, field

from harnessgym_mcp.core.frames import Answer
from harnessgym_mcp.errors import UpstreamDiedError, UpstreamError

__all__ = ["HEAVY", "Call", "CallTimeoutError", "Carrier", "Status"]

HEAVY: Final = 16_384
"""Bytes of a request or an answer, from which a call is not kept longer than it has to be."""

Status = Literal["completed", "tool_error", "protocol_error", "timeout", "cancelled", "crashed"]


class CallTimeoutError(UpstreamError):
    """The call's deadline passed without an answer."""

    code = "call-timeout"


class Carrier(Protocol):
    """Who has sent a call, and goes on with its queue once it has ended."""

    def finished(self, call: "Call") -> None: ...


class Call(Struct, eq=False, kw_only=True):
    """One call. `done(call)` is run once, when `status` is set; `answer` or `error` then says how it ended. A Struct,
    since one is made for each call: that takes less than half of what an `__init__` takes."""

    params: dict[str, Raw]  # `name` already rewritten
    done: Callable[[Self], None]
    timeout: float  # seconds
    modern: bool = False
    method: str = "tools/call"
    heavy: bool = False
    at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)
    finished: float = 0.0
    number: int = 0  # its id upstream; 0 while it waits
    token: bytes = b""
    carrier: Carrier | None = None
    status: Status | None = None
    answer: Answer | None = None
    error: UpstreamError | None = None

    @property
    def deadline(self) -> float:
        return self.started + self.timeout

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
        if self.carrier:
            self.carrier.finished(self)
