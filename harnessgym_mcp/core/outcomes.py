"""Outcomes: what one trial came to, as its executor saw it. No judgement: that is `judging`'s."""

from typing import Final, Literal

import msgspec

__all__ = ["CAUSES", "INFRASTRUCTURE", "Call", "Cause", "Outcome", "Point", "Usage"]

Cause = Literal[
    "",
    "agent_failed",
    "agent_timed_out",
    "budget_spent",
    "verifier_failed",
    "verifier_output",
    "verifier_timed_out",
    "interrupted",
    "worker_lost",
    "agent_missing",
    "provider_unavailable",
    "environment",
]

INFRASTRUCTURE: Final = ("interrupted", "worker_lost", "agent_missing", "provider_unavailable", "environment")
"""Causes that say nothing about the arm: these alone are retried, and a trial that keeps having one is lost."""

CAUSES: Final[dict[str, str]] = {
    "agent_failed": "the agent failed",
    "agent_timed_out": "the agent ran out of time",
    "budget_spent": "the agent spent its budget",
    "verifier_failed": "the verifier refused the result",
    "verifier_output": "the verifier's output is no score",
    "verifier_timed_out": "the verifier ran out of time",
    "interrupted": "the trial was killed",
    "worker_lost": "the worker was lost",
    "agent_missing": "the agent could not be started",
    "provider_unavailable": "the model provider did not answer",
    "environment": "the machine failed (disk, memory, sandbox)",
    "no_score": "there is no score",
    "harness_inactive": "the harness offered no tool",
    "tool_unused": "the agent called no tool of the harness with success",
}
"""Each cause in words; the last three are found by judging."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attempt or a build spent; None where the agent did not say. Time in seconds, money in US dollars."""

    seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    dollars: float | None = None
    turns: int | None = None

    @property
    def tokens(self) -> int | None:
        known = [n for n in (self.input_tokens, self.output_tokens) if n is not None]
        return sum(known) if known else None


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a mounted tool, from telemetry. `at` is seconds since the attempt began, `ms` its duration.

    `status` is telemetry's (`completed` alone is a success), `origin` who called (`agent` alone counts as use),
    `edit_after` whether the agent changed a file before its next call; None where that is not known.
    """

    tool: str
    status: str
    at: float
    ms: float
    origin: str = "agent"
    edit_after: bool | None = None

    @property
    def used(self) -> bool:
        return self.origin == "agent" and self.status == "completed"


class Point(msgspec.Struct, frozen=True, array_like=True):
    """A score that was verified `seconds` after the attempt began."""

    seconds: float
    score: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The final record of one trial.

    `passed` and `score` are the verifier's last word (`core.tasks.read_verifier`), measured after the attempt,
    timed-out attempts included. `start_score` is the score of the workspace before the attempt. `changed` says
    whether the attempt left any file different. `offered` counts mounted tools the agent could see. `tries` counts
    starts of this trial, infrastructure failures included. `hashes` and `machine` are what was in force, to be
    compared with the design's. `scripted`: the agent was a script, not a model.
    """

    trial: str
    passed: bool = False
    score: float | None = None
    cause: Cause = ""
    message: str = ""
    usage: Usage = Usage()
    start_score: float | None = None
    changed: bool | None = None
    offered: int = 0
    calls: list[Call] = []
    curve: list[Point] = []
    tries: int = 1
    started_at: float = 0.0
    hashes: dict[str, str] = {}
    machine: dict[str, str] = {}
    scripted: bool = False
