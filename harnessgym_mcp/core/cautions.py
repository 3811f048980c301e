"""Cautions: what a reader must know before believing a comparison. Each rule is one small function.

`breaks`: the word better is withheld. `weakens`: the claim is narrower than it looks. `note`: good to know.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harnessgym_mcp.core.comparison import ArmSummary, Caution, Contrast
from harnessgym_mcp.core.judging import Judged
from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.outcomes import CAUSES, Outcome
from harnessgym_mcp.core.trials import Arm, Design

__all__ = ["Facts", "cautions"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at."""

    design: Design
    planned: int
    finished: int
    outcomes: Sequence[Outcome]
    judged: Sequence[Judged]
    arms: Sequence[ArmSummary]
    contrasts: Sequence[Contrast]
    leaks: Sequence[Leak] | None


def cautions(facts: Facts) -> list[Caution]:
    """All cautions, the gravest first."""
    found = [caution for rule in _RULES for caution in rule(facts)]
    return sorted(found, key=lambda c: ("breaks", "weakens", "note").index(c.severity))


def _leaks(facts: Facts) -> Iterator[Caution]:
    if facts.leaks is None and "harnessed" in facts.design.arms:
        yield Caution(id="not-audited", severity="weakens", what="the bundle was not searched for leaked answers")
    for leak in facts.leaks or ():
        what = f"the bundle holds {leak.what} at {leak.where}"
        yield Caution(id=f"leak.{leak.kind}", severity="breaks" if leak.breaks else "weakens", what=what)


def _drift(facts: Facts) -> Iterator[Caution]:
    for key, planned in facts.design.hashes.items():
        others = {o.hashes[key] for o in facts.outcomes if key in o.hashes} - {planned}
        if others:
            what = f"the {key} was not the planned one in some trials: {len(others)} other hash(es) were seen"
            yield Caution(id="drift", severity="breaks", what=what)


def _unused(facts: Facts) -> Iterator[Caution]:
    mine = _harnessed(facts)
    if not mine or not facts.design.bundle.tools:
        return
    idle = sum(not j.used for j in mine)
    if idle == len(mine):
        what = "no harness tool was called with success in any trial: a difference cannot come from the tools"
        yield Caution(id="unused", severity="breaks", what=what)
    elif idle:
        what = f"{idle} of {len(mine)} harnessed trials called no harness tool with success"
        yield Caution(id="unused", severity="note", what=what)


def _inactive(facts: Facts) -> Iterator[Caution]:
    idle = sum("inactive" in j.flags for j in _harnessed(facts))
    if idle:
        what = f"{idle} harnessed trial(s) were offered no harness tool"
        yield Caution(id="inactive", severity="weakens", what=what)


def _incomplete(facts: Facts) -> Iterator[Caution]:
    if facts.finished < facts.planned:
        what = f"{facts.finished} of {facts.planned} planned trials have ended: a verdict has to wait for the rest"
        yield Caution(id="incomplete", severity="weakens", what=what)


def _lost(facts: Facts) -> Iterator[Caution]:
    lost = {a.arm: a.lost for a in facts.arms if a.lost}
    if lost:
        what = "lost to infrastructure in every try and left out: " + _counts(lost)
        yield Caution(id="lost", severity="weakens", what=what)


def _untouched(facts: Facts) -> Iterator[Caution]:
    found = _flagged(facts, "untouched")
    whole = [a.arm for a in facts.arms if a.started and found.get(a.arm) == a.started]
    if whole:
        what = f"every trial of the arm(s) {', '.join(whole)} left the workspace untouched: nothing was attempted there"
        yield Caution(id="untouched", severity="breaks", what=what)
    elif found:
        yield Caution(id="untouched", severity="note", what=f"trials with an untouched workspace: {_counts(found)}")


def _start_score(facts: Facts) -> Iterator[Caution]:
    if found := _flagged(facts, "start_score"):
        what = f"trials whose score equals the starting score: {_counts(found)}"
        yield Caution(id="start-score", severity="note", what=what)


def _failed(facts: Facts) -> Iterator[Caution]:
    for arm in facts.arms:
        causes = Counter(j.cause for j in facts.judged if j.arm == arm.arm and not j.valid and not j.lost)
        if causes:
            told = "; ".join(f"{n} x {CAUSES.get(cause, cause)}" for cause, n in causes.most_common())
            counted = {"pass": "not solved"}.get(facts.design.scale, f"the {_failure_value(facts.design)}")
            what = f"failed attempts in arm {arm.arm} count as {counted}: {told}"
            yield Caution(id="failed", severity="note", what=what)


def _not_held_out(facts: Facts) -> Iterator[Caution]:
    if "harnessed" in facts.design.arms and not any(t.held_out for t in facts.design.tasks):
        what = "no task is held out: the harness may have been built on the very tasks it is tested on"
        yield Caution(id="not-held-out", severity="weakens", what=what)


def _one_task(facts: Facts) -> Iterator[Caution]:
    if len(facts.design.tasks) == 1:
        yield Caution(id="one-task", severity="note", what="one task only: nothing is said about other tasks")


def _no_spread(facts: Facts) -> Iterator[Caution]:
    scores: dict[tuple[str, str], list[float]] = {}
    for j in facts.judged:
        if j.score is not None:
            scores.setdefault((j.task, j.arm), []).append(j.score)
    repeated = [s for s in scores.values() if len(s) > 1]
    if facts.design.scale != "pass" and repeated and all(len(set(s)) == 1 for s in repeated):
        what = "every repetition gave the same score: repetitions of something deterministic are not evidence"
        yield Caution(id="no-spread", severity="weakens", what=what)


def _scripted(facts: Facts) -> Iterator[Caution]:
    if any(o.scripted for o in facts.outcomes):
        what = "the agents are scripts: this shows what the tools can do, not that a model would use them so"
        yield Caution(id="scripted", severity="weakens", what=what)


def _scale(facts: Facts) -> Iterator[Caution]:
    estimate = facts.contrasts[0].estimate
    if estimate and estimate.scale != facts.design.scale:
        what = "a ratio was planned, but some values are not positive: plain differences are compared instead"
        yield Caution(id="scale", severity="weakens", what=what)


def _mixed_units(facts: Facts) -> Iterator[Caution]:
    estimate = facts.contrasts[0].estimate
    if estimate and estimate.scale == "difference" and len(facts.design.tasks) > 1:
        what = "differences of several tasks are averaged in the metric's own unit: tasks with large scores weigh more"
        yield Caution(id="mixed-units", severity="note", what=what)


def _disagreement(facts: Facts) -> Iterator[Caution]:
    first = facts.contrasts[0]
    bounds = (first.estimate.low, first.estimate.high) if first.estimate else (None, None)
    if first.estimate is None or first.test is None or bounds[0] is None or bounds[1] is None:
        return
    null = 1.0 if first.estimate.scale == "ratio" else 0.0
    if (first.test.p <= facts.design.alpha) == (bounds[0] <= null <= bounds[1]) and not first.judgement.descriptive:
        what = "the test and the interval disagree narrowly: the verdict follows the test, which assumes less"
        yield Caution(id="disagreement", severity="note", what=what)


def _control(facts: Facts) -> Iterator[Caution]:
    for contrast in facts.contrasts:
        if contrast.arm == "aa" and contrast.judgement.word in ("better", "worse"):
            what = f"the A/A control came out {contrast.judgement.word}: the measurement is biased, or unlucky"
            yield Caution(id="control", severity="weakens", what=what)


def _harmed(facts: Facts) -> Iterator[Caution]:
    harmed = [t.task for t in facts.contrasts[0].tasks if t.harmed]
    if harmed:
        yield Caution(id="harmed", severity="weakens", what=f"worse at these tasks: {', '.join(harmed)}")


def _drawn(facts: Facts) -> Iterator[Caution]:
    test = facts.contrasts[0].test
    if test and not test.exact:
        yield Caution(id="drawn", severity="note", what=f"the p-value is not exact: {test.method}")


def _harnessed(facts: Facts) -> list[Judged]:
    return [j for j in facts.judged if j.arm == "harnessed" and not j.lost]


def _flagged(facts: Facts, flag: str) -> dict[Arm, int]:
    """Arm -> trials with a flag, for the arms that have any."""
    return Counter(j.arm for j in facts.judged if flag in j.flags)


def _failure_value(design: Design) -> str:
    return "task's starting score" if design.failure == "baseline" else "task's worst value"


def _counts(found: Mapping[Arm, int]) -> str:
    return ", ".join(f"{n} {arm}" for arm, n in found.items())


_RULES: tuple[Callable[[Facts], Iterator[Caution]], ...] = (
    _leaks,
    _drift,
    _unused,
    _inactive,
    _incomplete,
    _control,
    _harmed,
    _not_held_out,
    _no_spread,
    _scripted,
    _lost,
    _untouched,
    _start_score,
    _scale,
    _mixed_units,
    _failed,
    _one_task,
    _disagreement,
    _drawn,
)
