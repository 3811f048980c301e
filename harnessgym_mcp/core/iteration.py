"""Iterations and their single build slot: opened by a selection, closed by qualified, quarantined or abandoned.

Principle 2, one artifact per iteration, is enforced here: `open_slot` refuses while a slot is open, and a second
slot within one labelled iteration of a run.
"""

import json
from typing import Any, Literal

import msgspec

from harnessgym_mcp.errors import SlotError

__all__ = ["Attempt", "Iteration", "close_slot", "open_of", "open_slot", "record_attempt"]

State = Literal["open", "qualified", "quarantined", "abandoned"]


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One submission within an iteration."""

    digest: str
    status: Literal["qualified", "rejected"]
    at: float
    findings: list[str] = []


class Iteration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One iteration of one agent session."""

    id: str  # "<session's first 8>-<number>"
    session: str
    name: str
    kind: Literal["server", "skill"] = "server"
    state: State = "open"
    extends: str = ""
    why: str = ""
    tools: list[str] = []
    prediction: dict[str, Any] = {}
    draft: str = ""  # path of the draft folder
    run: str = ""  # labels of `harnessgym run`, where it drives the agent
    step: str = ""
    opened_at: float = 0.0
    closed_at: float = 0.0
    reason: str = ""
    attempts: list[Attempt] = []

    @property
    def rejections(self) -> int:
        return sum(a.status == "rejected" for a in self.attempts)


def open_of(iterations: list[Iteration], session: str) -> Iteration | None:
    """The session's iteration whose slot is open."""
    return next((i for i in reversed(iterations) if i.session == session and i.state == "open"), None)


def open_slot(iterations: list[Iteration], new: Iteration) -> list[Iteration]:
    """Raises SlotError when this session has an open slot, or its labelled step has had its one artifact."""
    held = open_of(iterations, new.session)
    if held:
        raise SlotError(
            f"the build slot is open for {held.name!r} (iteration {held.id}); one artifact per iteration",
            hint=f'harnessgym.submit_artifact {{"path": {json.dumps(held.draft, ensure_ascii=False)}}} submits it, '
            'harnessgym.submit_artifact {"abandon": true} gives it up',
        )
    if new.run and any((i.run, i.step) == (new.run, new.step) for i in iterations):
        raise SlotError(
            f"iteration {new.step} of run {new.run} has had its one artifact",
            hint="end this phase now; the next iteration begins with a fresh attempt",
        )
    return [*iterations, new]


def close_slot(iterations: list[Iteration], id: str, state: State, *, at: float, reason: str = "") -> list[Iteration]:
    return [
        msgspec.structs.replace(i, state=state, closed_at=at, reason=reason) if i.id == id and i.state == "open" else i
        for i in iterations
    ]


def record_attempt(iterations: list[Iteration], id: str, attempt: Attempt) -> list[Iteration]:
    return [msgspec.structs.replace(i, attempts=[*i.attempts, attempt]) if i.id == id else i for i in iterations]
