"""Summaries of arms: what came out, what it cost, which tools did it, how soon."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from harnessgym_mcp.core.comparison import ArmSummary, BreakEven, Curve, TaskArm, ToolUse
from harnessgym_mcp.core.events import percentile
from harnessgym_mcp.core.judging import Judged
from harnessgym_mcp.core.outcomes import Call, Outcome
from harnessgym_mcp.core.stats.counts import clopper_pearson, pass_all_k, pass_at_k
from harnessgym_mcp.core.stats.economy import break_even, median_time, reached_by
from harnessgym_mcp.core.stats.effects import geometric_mean, mean, median
from harnessgym_mcp.core.trials import Arm, Design

__all__ = ["arm_summary", "break_evens", "curve", "task_arm", "tool_uses"]

_KS = (1, 2, 4, 8, 16, 32, 64)


def arm_summary(design: Design, arm: Arm, judged: Sequence[Judged]) -> ArmSummary:
    """One arm's trials together; what infrastructure lost counts in `started`, `lost` and the costs only."""
    mine = [j for j in judged if j.arm == arm]
    counted = [j for j in mine if not j.lost]
    solved = sum(j.solved for j in counted)
    rate = clopper_pearson(solved, len(counted), design.level) if counted else None
    seconds = [j.seconds for j in mine if j.seconds is not None]
    tokens = [j.tokens for j in mine if j.tokens is not None]
    dollars = [j.dollars for j in mine if j.dollars is not None]
    return ArmSummary(
        arm=arm,
        started=len(mine),
        lost=len(mine) - len(counted),
        valid=sum(j.valid for j in counted),
        solved=solved,
        solved_low=rate.low if rate else None,
        solved_high=rate.high if rate else None,
        pass_at=_repeats(counted, pass_at_k),
        pass_all=_repeats(counted, pass_all_k),
        failures=dict(Counter(j.cause for j in mine if not j.valid)),
        seconds=sum(seconds),
        median_seconds=median(seconds) if seconds else None,
        tokens=sum(tokens),
        told_tokens=len(tokens),
        dollars=sum(dollars),
        told_dollars=len(dollars),
        turns=sum(j.turns or 0 for j in mine),
        calls=sum(j.calls for j in mine),
        used=sum(j.used for j in mine),
    )


def task_arm(task: str, arm: Arm, judged: Sequence[Judged]) -> TaskArm:
    """The valid scores of one arm at one task, in plan order."""
    scores = [j.score for j in judged if j.task == task and j.arm == arm and j.score is not None]
    return TaskArm(
        task=task,
        arm=arm,
        scores=scores,
        median=median(scores) if scores else None,
        geometric_mean=geometric_mean(scores),
        low=min(scores, default=None),
        high=max(scores, default=None),
    )


def tool_uses(arm: Arm, outcomes: Sequence[Outcome]) -> list[ToolUse]:
    """Each harness tool that the arm's agents called, most calls first."""
    by_tool: dict[str, dict[str, list[Call]]] = {}
    for outcome in outcomes:
        for call in outcome.calls:
            if call.origin == "agent":
                by_tool.setdefault(call.tool, {}).setdefault(outcome.trial, []).append(call)
    uses = [_tool_use(arm, tool, trials) for tool, trials in by_tool.items()]
    return sorted(uses, key=lambda use: (-use.calls, use.tool))


def curve(arm: Arm, judged: Sequence[Judged]) -> Curve:
    """How soon the arm's trials were solved; lost trials are left out."""
    times = [j.reached for j in judged if j.arm == arm and not j.lost]
    return Curve(arm=arm, steps=reached_by(times), median=median_time(times))


def break_evens(design: Design, judged: Sequence[Judged]) -> list[BreakEven]:
    """Per unit in which the cost of building is known and both arms told what they spent."""
    built = design.bundle.generation
    spent: Mapping[Literal["seconds", "tokens", "dollars"], float | None] = {
        "seconds": built.seconds,
        "tokens": built.tokens,
        "dollars": built.dollars,
    }
    found = []
    for unit, generation in spent.items():
        plain, harnessed = (_costs(unit, arm, judged) for arm in ("plain", "harnessed"))
        if generation is not None and plain and harnessed:
            before, after = mean(plain), mean(harnessed)
            runs = break_even(generation, before, after)
            found.append(BreakEven(unit=unit, generation=generation, plain=before, harnessed=after, runs=runs))
    return found


def _costs(unit: str, arm: str, judged: Sequence[Judged]) -> list[float]:
    values = [getattr(j, unit) for j in judged if j.arm == arm and not j.lost]
    return [v for v in values if v is not None]


def _repeats(counted: Sequence[Judged], estimator: Callable[[int, int, int], float]) -> dict[str, float]:
    """k -> the mean over tasks of pass@k or pass^k, for the k that every task has trials for."""
    by_task: dict[str, list[bool]] = {}
    for j in counted:
        by_task.setdefault(j.task, []).append(j.solved)
    fewest = min(map(len, by_task.values()), default=0)
    return {str(k): mean([estimator(sum(s), len(s), k) for s in by_task.values()]) for k in _KS if k <= fewest}


def _tool_use(arm: Arm, tool: str, trials: Mapping[str, list[Call]]) -> ToolUse:
    calls = [c for cs in trials.values() for c in cs]
    times = sorted(c.ms for c in calls)
    known = [c.edit_after for c in calls if c.used and c.edit_after is not None]
    return ToolUse(
        arm=arm,
        tool=tool,
        trials=len(trials),
        calls=len(calls),
        statuses=dict(Counter(c.status for c in calls)),
        errors=sum(not c.used for c in calls) / len(calls),
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        first=median([min(c.at for c in cs) for cs in trials.values()]),
        followed=sum(known) / len(known) if known else None,
    )
