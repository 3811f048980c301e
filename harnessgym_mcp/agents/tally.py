"""What an event stream has told so far. Each agent's reader fills one; nothing is ever taken from prose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from harnessgym_mcp.agents.agent import ToolUse, Usage
from harnessgym_mcp.core.text import one_line

__all__ = ["Tally", "as_cost", "as_number", "as_text", "read_events"]


@dataclass(slots=True)
class Tally:
    """Filled event by event."""

    session_id: str = ""
    model: str = ""
    message: str = ""
    usage: Usage | None = None
    cost_usd: float | None = None
    steps: int | None = None
    problem: str = ""  # the agent itself says that it failed
    cause: str = ""  # budget | model | agent
    trouble: str = ""  # what stands in the way just now: a model that does not answer
    finished: bool = False  # the stream's own end was seen
    notes: list[str] = field(default_factory=list)
    _calls: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def called(self, server: str, tool: str) -> None:
        self._calls.setdefault((server, tool), [0, 0])[0] += 1

    def call_failed(self, server: str, tool: str) -> None:
        self._calls.setdefault((server, tool), [0, 0])[1] += 1

    @property
    def tools(self) -> tuple[ToolUse, ...]:
        """In the order of their first calls."""
        return tuple(ToolUse(*name, *counts) for name, counts in self._calls.items())

    def failed(self, cause: str, problem: str) -> None:
        """The first problem told is kept: later ones follow from it."""
        if not self.problem:
            self.cause, self.problem = cause, one_line(problem, 500) or "the agent gave no reason"


def read_events(tally: Tally, on_event: Callable[[dict[str, Any]], None]) -> Callable[[bytes], None]:
    """A reader of JSON lines. A line that is no JSON object, or an event of an unknown shape, becomes a note."""

    def read(line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = msgspec.json.decode(line)
            if not isinstance(event, dict):
                raise TypeError("not an object")
            on_event(event)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            tally.notes.append(f"unreadable event: {one_line(line.decode(errors='replace'), 120)} ({error})")

    return read


def as_text(value: object) -> str:
    """`value` if it is text, else ""."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> int:
    """`value` if it is a count, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def as_cost(value: object, before: float | None = None) -> float | None:
    """`before` plus `value` if that is an amount of money, else `before`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return (before or 0.0) + value
    return before
