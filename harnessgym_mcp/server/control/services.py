"""What the control tools work with, and how their answers are put."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.fit import fit
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.server.harness import Harness
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.store.callstats import ToolStats, tool_stats
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore

__all__ = ["Losses", "Services", "calls_on_record", "failure", "labels_of", "reply"]


class Losses(Protocol):
    """What the telemetry writer tells of itself."""

    @property
    def dropped(self) -> int: ...
    @property
    def error(self) -> str: ...
    @property
    def notes(self) -> list[str]: ...
    def flush(self, deadline: float) -> bool: ...


@dataclass(slots=True)
class Services:
    """The rooms that a control tool may enter."""

    home: Home
    policy: Policy
    table: MountTable
    harness: Harness
    iterations: IterationStore
    telemetry: Losses


def reply(body: dict[str, Any], most: int, *, error: bool = False) -> dict[str, Any]:
    """A tool result: one text block of JSON (both clients show a model either text or structured content, never
    both), cut to what clients let pass."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": fit(body, most)}]}
    return result | ({"isError": True} if error else {})


def calls_on_record(services: Services, **wanted: Any) -> list[ToolStats]:
    """The calls so far, those of a moment ago included; blocks, so run it in a thread."""
    services.telemetry.flush(services.policy.timeouts.flush)
    return tool_stats(services.home, **wanted)


def failure(error: HarnessGymError, most: int) -> dict[str, Any]:
    """A failure of ours as a tool result: code, message and what to do next."""
    return reply({"error": error.code, "message": error.message, "hint": error.hint}, most, error=True)


def labels_of(session: Session) -> dict[str, str]:
    """The session's --labels."""
    value = json.loads(session.labels)
    return {str(k): str(v) for k, v in value.items()}
