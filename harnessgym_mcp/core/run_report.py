"""What came of a run, as `report.json` keeps it: counted from the state alone, worded once."""

from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.outcomes import Usage
from harnessgym_mcp.core.run_state import (
    Built,
    Iteration,
    Restored,
    Rules,
    RunState,
    Score,
    ToolCalls,
    TurnRecord,
    is_improved,
    is_solved,
)
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import EXIT_NOT_IMPROVED, EXIT_OK

__all__ = ["SCHEMA", "Asked", "RunReport", "Scores", "Totals", "report_of", "report_schema"]

SCHEMA = "harnessgym/run/1"

Status = Literal["solved", "improved", "not solved", "not improved", "unverified"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. `task` is the text, `prompts` the version of the texts around it."""

    task: str
    task_source: str
    task_state: str
    depth: str
    model: str
    score_key: str
    held_out: bool
    prompts: int
    policy_digest: str


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """How good it got. `gain` is best minus baseline, turned so that above 0 is better; `share` that of the baseline.

    `best_iteration` 0 is the untouched workspace. None: not measured, or no valid score."""

    key: str
    direction: str
    held_out: bool
    stop: float | None
    baseline: float | None
    best: float | None
    best_iteration: int | None
    gain: float | None
    share: float | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all turns that came to an end. `usage` holds None where no agent said; `interrupted_calls` were made
    in turns that were cut off and done again, or between the turns."""

    seconds: float
    turns: int
    timed_out: int
    failed: int
    calls: int
    completed: int
    interrupted_calls: int
    leftovers: int
    usage: Usage


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A run in full. `solved`: an attempt passed the independent check and reached the stop score where there is one;
    `improved`: the best attempt beats the untouched workspace, None where that was not measured. `tools` are the
    recorded calls of the attempts, `never_used` the tools that an attempt was offered and none called with success.
    Times in seconds, `started_at` and `ended_at` since the epoch. `interrupted` counts resumptions."""

    id: str
    status: Status
    finding: str
    exit_code: int
    solved: bool
    improved: bool | None
    scores: Scores
    iterations: list[Iteration]
    baseline: Score | None
    restored: Restored | None
    qualified: list[Built]
    quarantined: list[Built]
    abandoned: list[Built]
    tools: list[ToolCalls]
    never_used: list[str]
    totals: Totals
    agent: dict[str, str]
    asked: Asked
    rules: Rules
    started_at: float
    ended_at: float
    interrupted: int
    notes: list[str]
    schema: str = SCHEMA


def report_of(state: RunState, rules: Rules, asked: Asked, recorded_calls: int) -> RunReport:
    """`recorded_calls` are all of the run that telemetry has, those of interrupted turns included."""
    solved, improved = is_solved(state, rules), is_improved(state, rules)
    scores = _scores(state, rules, asked)
    status = _status(rules, solved, improved)
    built = [i.built for i in state.iterations if i.built]
    tools = _merged(call for i in state.iterations if i.attempt for call in i.attempt.calls)
    return RunReport(
        id=state.id,
        status=status,
        finding=_finding(state, status, scores),
        exit_code=EXIT_OK if solved or improved else EXIT_NOT_IMPROVED,
        solved=solved,
        improved=improved,
        scores=scores,
        iterations=state.iterations,
        baseline=state.baseline,
        restored=state.restored,
        qualified=[b for b in built if b.state == "qualified"],
        quarantined=[b for b in built if b.state == "quarantined"],
        abandoned=[b for b in built if b.state == "abandoned"],
        tools=tools,
        never_used=_never_used(state, tools),
        totals=_totals(state, recorded_calls),
        agent=state.agent,
        asked=asked,
        rules=rules,
        started_at=state.started_at,
        ended_at=state.ended_at,
        interrupted=state.resumed,
        notes=state.notes,
    )


def report_schema() -> dict[str, Any]:
    """The JSON Schema of report.json."""
    return msgspec.json.schema(RunReport)


def _status(rules: Rules, solved: bool, improved: bool | None) -> Status:
    if solved:
        return "solved"
    if not rules.scored:
        return "unverified"
    if rules.optimize:
        return "improved" if improved else "not improved"
    return "not solved"


def _scores(state: RunState, rules: Rules, asked: Asked) -> Scores:
    start = state.baseline.score if state.baseline else None
    best = state.best.score if state.best else None
    gain = None
    if start is not None and best is not None:
        gain = best - start if rules.direction == "higher" else start - best
    return Scores(
        key=asked.score_key,
        direction=rules.direction,
        held_out=asked.held_out,
        stop=rules.stop_score,
        baseline=start,
        best=best,
        best_iteration=state.best.iteration if state.best else None,
        gain=gain,
        share=gain / abs(start) if gain is not None and start else None,
    )


def _turns(state: RunState) -> list[TurnRecord]:
    return [t for i in state.iterations for t in (i.attempt, i.reflect, i.build) if t and t.status != "skipped"]


def _totals(state: RunState, recorded: int) -> Totals:
    turns = _turns(state)
    calls = sum(c.calls for t in turns for c in t.calls)
    return Totals(
        seconds=round(max(state.ended_at - state.started_at, 0.0), 3),
        turns=len(turns),
        timed_out=sum(t.status == "timed_out" for t in turns),
        failed=sum(t.status == "failed" for t in turns),
        calls=calls,
        completed=sum(c.completed for t in turns for c in t.calls),
        interrupted_calls=max(recorded - calls, 0),
        leftovers=sum(t.leftovers for t in turns),
        usage=_spent([t.usage for t in turns]),
    )


def _spent(usages: list[Usage]) -> Usage:
    def total(name: str) -> Any:
        known = [value for usage in usages if (value := getattr(usage, name)) is not None]
        return sum(known) if known else None

    return Usage(**{name: total(name) for name in Usage.__struct_fields__})


def _merged(calls: Any) -> list[ToolCalls]:
    """Of one tool and version, one entry."""
    found: dict[tuple[str, str], ToolCalls] = {}
    for call in calls:
        old = found.get((call.tool, call.digest))
        more = (old.calls, old.completed) if old else (0, 0)
        found[call.tool, call.digest] = msgspec.structs.replace(
            call, calls=call.calls + more[0], completed=call.completed + more[1]
        )
    return list(found.values())


def _never_used(state: RunState, tools: list[ToolCalls]) -> list[str]:
    """Offered to an attempt, or built last and offered to none yet."""
    used = {call.tool for call in tools if call.completed}
    known = [name for i in state.iterations for name in (*i.offered, *(i.built.tools if i.built else ()))]
    return [name for name in dict.fromkeys(known) if name not in used]


def _finding(state: RunState, status: Status, scores: Scores) -> str:
    count = f"{len(state.iterations)} iteration{'s' if len(state.iterations) != 1 else ''}"
    match status:
        case "solved":
            solver = state.iterations[-1].number
            text = f"solved by the attempt of iteration {solver}{_reached(scores)}"
        case "improved":
            text = f"improved in {count}{_moved(scores)}, best in iteration {scores.best_iteration}"
        case "not improved":
            text = f"not improved in {count}{_start(scores)}"
        case "not solved":
            text = f"not solved in {count}{_reached(scores)}: {_why(state)}"
        case "unverified":
            text = f"unverified: {count} done; without a score command nothing says whether the task is solved"
    return one_line(text, 400)


def _reached(scores: Scores) -> str:
    return f", best {scores.key} {scores.best:g}" if scores.best is not None else ""


def _start(scores: Scores) -> str:
    return f"; the untouched workspace has {scores.key} {scores.baseline:g}" if scores.baseline is not None else ""


def _moved(scores: Scores) -> str:
    if scores.baseline is None:
        return f": {scores.key} {scores.best:g} where the untouched workspace has none"
    share = f" ({scores.share:+.1%})" if scores.share is not None else ""
    return f": {scores.key} from {scores.baseline:g} to {scores.best:g}{share}"


def _why(state: RunState) -> str:
    last = state.iterations[-1].score if state.iterations else None
    if last is None:
        return "nothing was scored"
    return last.message if not last.passed else "the stop score was not reached"
