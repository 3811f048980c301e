"""What the doctor's checks are given and what they give."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.server.options import Options
from harnessgym_mcp.store.home import Home

__all__ = ["Check", "Context", "Finding", "Status"]

Status = Literal["ok", "warn", "fail", "skipped"]


class Finding(msgspec.Struct, frozen=True):
    """What one check found. `remedy` is empty when nothing needs doing; `details` are for programs."""

    status: Status
    what: str
    remedy: str = ""
    details: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Context:
    """Where to look."""

    options: Options
    home: Home
    policy: Policy
    env: Mapping[str, str]


Check = Callable[[Context], Finding] | Callable[[Context], Awaitable[Finding]]
"""A function that may block, or a coroutine function for what needs the main thread's loop."""
