"""A run as data, and the only ways it goes on: pure functions from one state to the next.

    start -> [baseline] -> prepare -> attempt -> [score] -> reflect -> build -> qualify -+-> [restore -> verify] -> done
                              ^                                                          |
                              +--------------------- the next iteration -----------------+

After `score` a run that is solved ends, unless it shall build first. The state is kept before and after each phase, so
that a run that was killed goes on with the phase that it was killed in.
"""

from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.outcomes import Cause, Usage

__all__ = [
    "Best",
    "Built",
    "Iteration",
    "Phase",
    "Restored",
    "Rules",
    "RunState",
    "Score",
    "ToolCalls",
    "TurnRecord",
    "advance",
    "began",
    "better",
    "is_improved",
    "is_solved",
    "with_iteration",
]

Phase = Literal[
    "start", "baseline", "prepare", "attempt", "score", "reflect", "build", "qualify", "restore", "verify", "done"
]
TurnStatus = Literal["ok", "failed", "timed_out", "not_started", "skipped", "interrupted"]


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decides how a run goes on. `scored`: there is a score command. `stop_score`: this good is solved."""

    iterations: int
    scored: bool = False
    optimize: bool = False
    restore_best: bool = True
    build_after_solve: bool = False
    stop_score: float | None = None
    direction: Literal["higher", "lower"] = "higher"


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the score command said of one state of the workspace. `score` is set only where it passed."""

    passed: bool = False
    score: float | None = None
    cause: Cause = ""
    message: str = ""
    seconds: float = 0.0
    code: int | None = None


class ToolCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded calls of one mounted tool; `completed` alone are successes."""

    tool: str  # <artifact>__<tool>
    digest: str
    calls: int
    completed: int


class TurnRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One prompt and what came of it. `budget` and `seconds` in seconds, `folder` below the run's; `calls` are
    telemetry's, `told` how many calls of the entry's tools the agent's own event stream tells of."""

    status: TurnStatus
    number: int = 1  # which start of this phase this is: above 1 after interruptions
    session_id: str = ""
    budget: float = 0.0
    started_at: float = 0.0
    seconds: float = 0.0
    code: int | None = None
    cause: str = ""
    problem: str = ""
    message: str = ""
    model: str = ""
    usage: Usage = Usage()
    calls: list[ToolCalls] = []
    told: int = 0
    leftovers: int = 0
    folder: str = ""
    notes: list[str] = []


class Built(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The artifact of one iteration. `rejections` holds the error findings of each rejected submission."""

    name: str
    state: Literal["qualified", "quarantined", "abandoned"]
    kind: str = "server"
    why: str = ""
    digest: str = ""
    tools: list[str] = []  # <artifact>__<tool>, where qualified
    submissions: int = 0
    rejections: list[list[str]] = []
    prediction: dict[str, Any] = {}
    reason: str = ""


class Iteration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt and what was built after it. `offered`: the mounted tools that the attempt could use."""

    number: int
    attempt: TurnRecord | None = None
    score: Score | None = None
    reflect: TurnRecord | None = None
    build: TurnRecord | None = None
    built: Built | None = None
    offered: list[str] = []
    notes: list[str] = []


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """The best state seen; iteration 0 is the untouched workspace."""

    iteration: int
    score: float
    snapshot: str


class Restored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The best state put back: `changed` files written, `aside` what was in the way, kept below the run's folder."""

    iteration: int
    changed: int = 0
    aside: list[str] = []
    check: Score | None = None


class RunState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a run knows. `tries` counts the starts of the present phase, `resumed` the starts after the first."""

    id: str
    phase: Phase = "start"
    tries: int = 0
    started_at: float = 0.0
    ended_at: float = 0.0
    resumed: int = 0
    iterations: list[Iteration] = []
    baseline: Score | None = None
    best: Best | None = None
    restored: Restored | None = None
    agent: dict[str, str] = {}
    notes: list[str] = []

    @property
    def current(self) -> Iteration:
        return self.iterations[-1]

    @property
    def number(self) -> int:
        """The present iteration's, 0 before the first."""
        return self.iterations[-1].number if self.iterations else 0


def began(state: RunState) -> RunState:
    """The present phase is started, once more where it was before."""
    return msgspec.structs.replace(state, tries=state.tries + 1)


def with_iteration(state: RunState, **changes: Any) -> RunState:
    """The state with fields of the present iteration changed."""
    changed = msgspec.structs.replace(state.current, **changes)
    return msgspec.structs.replace(state, iterations=[*state.iterations[:-1], changed])


def advance(state: RunState, rules: Rules) -> RunState:
    """The present phase is done: note what follows from it, and go to the next."""
    state = _with_best(state, rules)
    phase = _next(state, rules)
    if phase == "prepare":
        following = Iteration(number=state.number + 1)
        state = msgspec.structs.replace(state, iterations=[*state.iterations, following])
    return msgspec.structs.replace(state, phase=phase, tries=0)


def is_solved(state: RunState, rules: Rules) -> bool:
    """Has an attempt passed the independent check, and reached the stop score where there is one?

    An optimisation without a stop score is never solved, only improved."""
    if rules.stop_score is None:
        return not rules.optimize and any(i.score is not None and i.score.passed for i in state.iterations)
    scores = [i.score.score for i in state.iterations if i.score and i.score.score is not None]
    return any(score == rules.stop_score or better(score, rules.stop_score, rules) for score in scores)


def is_improved(state: RunState, rules: Rules) -> bool | None:
    """Is the best attempt better than the untouched workspace? None where that was not measured.

    A valid score where the untouched workspace has none is an improvement."""
    if not rules.optimize or state.baseline is None:
        return None
    return state.best is not None and state.best.iteration > 0


def better(score: float, than: float, rules: Rules) -> bool:
    return score > than if rules.direction == "higher" else score < than


def _with_best(state: RunState, rules: Rules) -> RunState:
    if state.phase == "baseline":
        number, found, snapshot = 0, state.baseline, "initial"
    elif state.phase == "score":
        number, found, snapshot = state.number, state.current.score, f"after-{state.number}"
    else:
        return state
    if found is None or found.score is None:
        return state
    if state.best is not None and not better(found.score, state.best.score, rules):
        return state
    return msgspec.structs.replace(state, best=Best(iteration=number, score=found.score, snapshot=snapshot))


def _next(state: RunState, rules: Rules) -> Phase:
    match state.phase:
        case "start":
            return "baseline" if rules.optimize else "prepare"
        case "baseline":
            return "prepare"
        case "prepare":
            return "attempt"
        case "attempt" if rules.scored:
            return "score"
        case "attempt":
            return "reflect"
        case "score":
            ends = is_solved(state, rules) and not rules.build_after_solve
            return _ending(state, rules) if ends else "reflect"
        case "reflect":
            return "build"
        case "build":
            return "qualify"
        case "qualify":
            ends = is_solved(state, rules) or state.number >= rules.iterations
            return _ending(state, rules) if ends else "prepare"
        case "restore":
            return "verify"
        case _:
            return "done"


def _ending(state: RunState, rules: Rules) -> Phase:
    return "restore" if rules.optimize and rules.restore_best and state.best else "done"
