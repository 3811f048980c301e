"""Judging: from outcomes to values, by intention to treat.

Every started trial counts. A failed attempt counts as its task's worst value (or starting score, if the design says
so); only a trial whose every try was lost to infrastructure counts for nothing, and that is reported.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from harnessgym_mcp.core.outcomes import CAUSES, Outcome
from harnessgym_mcp.core.tasks import TaskRef, finite, worse_of
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import Arm, Design, Trial, by_trial, is_lost, plan

__all__ = ["FLAGS", "Judged", "judge", "successes"]

FLAGS: dict[str, str] = {
    "untouched": "workspace untouched",
    "start_score": "score equals the starting score",
    "unused": "no successful call of a harness tool",
    "inactive": "no harness tool offered",
    "timed_out": "out of time, scored as left",
    "retried": "retried after an infrastructure failure",
}


class Judged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trial as it counts.

    `score` is what was measured validly; `value` is what counts in the analysis (imputed for a failure; None where
    lost, or where the task never had a score at all). `cause` is a key of `CAUSES`, `flags` are keys of `FLAGS`.
    `reached` is the seconds after which the threshold was reached; `calls` and `used` count the agent's calls of
    harness tools and the successful ones among them.
    """

    trial: str
    task: str
    arm: Arm
    repetition: int
    valid: bool
    lost: bool = False
    score: float | None = None
    value: float | None = None
    imputed: bool = False
    solved: bool = False
    cause: str = ""
    message: str = ""
    flags: list[str] = []
    reached: float | None = None
    seconds: float | None = None
    tokens: int | None = None
    dollars: float | None = None
    turns: int | None = None
    calls: int = 0
    used: int = 0


def judge(design: Design, outcomes: Iterable[Outcome]) -> list[Judged]:
    """The trials that have an outcome, in plan order, each with the value that counts for it."""
    trials = plan(design)
    found = by_trial(trials, outcomes)
    judged = [_examined(design, t, found[t.id]) for t in trials if t.id in found]
    if design.scale == "pass":
        return [j if j.lost else msgspec.structs.replace(j, value=float(j.solved)) for j in judged]
    fallback = {t.id: _fallback(design, t, judged, found) for t in design.tasks}
    return [_valued(j, fallback[j.task]) for j in judged]


def successes(outcome: Outcome) -> int:
    """Successful calls of harness tools by the agent itself."""
    return sum(call.used for call in outcome.calls)


def _examined(design: Design, trial: Trial, outcome: Outcome) -> Judged:
    lost = is_lost(outcome)
    cause = _cause(design, trial, outcome)
    score = None if cause else finite(outcome.score)
    solved = not cause and _solved(design, outcome.passed, score)
    usage = outcome.usage
    return Judged(
        trial=trial.id,
        task=trial.task,
        arm=trial.arm,
        repetition=trial.repetition,
        valid=not cause,
        lost=lost,
        score=score,
        solved=solved,
        cause=cause or outcome.cause,
        message=one_line(outcome.message, 300) or CAUSES.get(cause or outcome.cause, ""),
        flags=_flags(design, trial, outcome, score),
        reached=_reached(design, outcome) if solved else None,
        seconds=usage.seconds,
        tokens=usage.tokens,
        dollars=usage.dollars,
        turns=usage.turns,
        calls=sum(c.origin == "agent" for c in outcome.calls),
        used=successes(outcome),
    )


def _cause(design: Design, trial: Trial, outcome: Outcome) -> str:
    """Why the trial failed; empty where it did not. Out of time or budget is no failure if the verifier passes."""
    if outcome.cause not in ("", "agent_timed_out", "budget_spent"):
        return outcome.cause
    if not outcome.passed:
        return outcome.cause or "verifier_failed"
    if design.scale != "pass" and finite(outcome.score) is None:
        return "no_score"
    if trial.arm != "harnessed" or not design.bundle.tools:
        return ""
    if design.require_active_harness and not outcome.offered:
        return "harness_inactive"
    return "tool_unused" if design.require_tool_use and not successes(outcome) else ""


def _solved(design: Design, passed: bool, score: float | None) -> bool:
    if design.threshold is None:
        return passed
    return score is not None and _meets(design, score)


def _meets(design: Design, score: float) -> bool:
    assert design.threshold is not None
    return score >= design.threshold if design.direction == "higher" else score <= design.threshold


def _reached(design: Design, outcome: Outcome) -> float | None:
    """When the first verified score that solves it was seen; else the end of the attempt."""
    if design.threshold is not None:
        times = [p.seconds for p in outcome.curve if math.isfinite(p.score) and _meets(design, p.score)]
        if times:
            return min(times)
    return outcome.usage.seconds


def _flags(design: Design, trial: Trial, outcome: Outcome, score: float | None) -> list[str]:
    start = outcome.start_score if outcome.start_score is not None else _task(design, trial.task).baseline
    harness = trial.arm == "harnessed" and bool(design.bundle.tools)
    signs = {
        "untouched": outcome.changed is False,
        "start_score": score is not None and score == start,
        "unused": harness and not successes(outcome),
        "inactive": harness and not outcome.offered,
        "timed_out": outcome.cause in ("agent_timed_out", "budget_spent"),
        "retried": outcome.tries > 1,
    }
    return [name for name, shown in signs.items() if shown]


def _task(design: Design, id: str) -> TaskRef:
    return next(t for t in design.tasks if t.id == id)


def _fallback(design: Design, task: TaskRef, judged: Sequence[Judged], found: dict[str, Outcome]) -> float | None:
    """What a failed attempt at this task counts as."""
    mine = [j for j in judged if j.task == task.id]
    starts = [s for j in mine if (s := finite(found[j.trial].start_score)) is not None]
    if task.baseline is not None:
        starts = [task.baseline]
    if design.failure == "baseline" and starts:
        return worse_of(design.direction, starts)
    if task.worst is not None:
        return task.worst
    seen = [*starts, *(j.score for j in mine if j.score is not None)]
    return worse_of(design.direction, seen) if seen else None


def _valued(judged: Judged, fallback: float | None) -> Judged:
    if judged.lost:
        return judged
    if judged.score is not None:
        return msgspec.structs.replace(judged, value=judged.score)
    return msgspec.structs.replace(judged, value=fallback, imputed=fallback is not None)
