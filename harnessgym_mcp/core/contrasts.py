"""Contrasts: one arm against another, and the verdict on it.

The p-value decides between better, worse and neither; the interval and the spread that was seen decide whether
neither means `no evidence` or `underpowered`.
"""

import math
from collections.abc import Callable, Sequence

from harnessgym_mcp.core.comparison import Contrast, Judgement, Pair, TaskEffect
from harnessgym_mcp.core.judging import Judged
from harnessgym_mcp.core.measuring import (
    Measured,
    Terms,
    beyond,
    effect,
    estimate,
    paired,
    pairs_wanted,
    terms_of,
    trials_wanted,
    unpaired,
)
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.stats.adjust import holm
from harnessgym_mcp.core.stats.effects import Interval
from harnessgym_mcp.core.stats.power import fewest_pairs, fewest_per_group
from harnessgym_mcp.core.trials import Arm, Design

__all__ = ["contrast", "groups_of", "headline_tasks", "values_of"]


def contrast(
    design: Design, rules: Compare, judged: Sequence[Judged], arm: Arm, reference: Arm, *, primary: bool
) -> Contrast:
    """The comparison of `arm` with `reference`; its judgement assumes that the plan is finished."""
    headline = headline_tasks(design)
    a, b = (values_of(judged, side, headline) for side in (reference, arm))
    terms = terms_of(design, rules, a, b)
    both = _both(judged, arm, reference)
    kept = [(r, v) for r, v in both if not (r.lost or v.lost)]
    pairs = [_pair(terms, r, v) for r, v in kept] if design.paired else []
    shown = [p for p in pairs if p.task in headline]
    groups = groups_of(terms, shown)
    measured = _measured(terms, groups, a, b)
    return Contrast(
        arm=arm,
        reference=reference,
        primary=primary,
        n=measured.n if measured else 0,
        dropped=len(both) - len(kept),
        estimate=estimate(terms, measured.interval, measured.method) if measured else None,
        beyond=beyond(terms, groups),
        test=measured.test if measured else None,
        **_tally(shown),
        judgement=_judgement(terms, measured, lambda: _wanted(terms, groups, a, b)),
        tasks=_task_effects(terms, pairs, headline) if design.paired else [],
        pairs=pairs,
    )


def headline_tasks(design: Design) -> set[str]:
    """The tasks that the verdict rests on: the held-out ones, or all where none is held out."""
    held = {t.id for t in design.tasks if t.held_out}
    return held or {t.id for t in design.tasks}


def values_of(judged: Sequence[Judged], arm: Arm, tasks: set[str]) -> list[float]:
    """An arm's values at some tasks, as they count."""
    return [j.value for j in judged if j.arm == arm and j.task in tasks and j.value is not None]


def groups_of(terms: Terms, pairs: Sequence[Pair]) -> list[list[float]]:
    """The pairs' effects, by task."""
    groups: dict[str, list[float]] = {}
    for pair in pairs:
        groups.setdefault(pair.task, []).append(effect(terms, pair.reference, pair.value))
    return list(groups.values())


def _both(judged: Sequence[Judged], arm: Arm, reference: Arm) -> list[tuple[Judged, Judged]]:
    """The repetitions that both arms have an outcome of."""
    sides: dict[tuple[str, int], dict[Arm, Judged]] = {}
    for j in judged:
        sides.setdefault((j.task, j.repetition), {})[j.arm] = j
    return [(s[reference], s[arm]) for s in sides.values() if reference in s and arm in s]


def _pair(terms: Terms, reference: Judged, arm: Judged) -> Pair:
    a, b = reference.value, arm.value
    gain = 0.0 if a is None or b is None else (b - a) * terms.sign
    return Pair(
        task=arm.task,
        repetition=arm.repetition,
        reference=a,
        value=b,
        outcome="win" if gain > 0 else "loss" if gain < 0 else "tie",
        imputed=reference.imputed or arm.imputed,
    )


def _tally(pairs: Sequence[Pair]) -> dict[str, int]:
    outcomes = [p.outcome for p in pairs]
    return {"wins": outcomes.count("win"), "ties": outcomes.count("tie"), "losses": outcomes.count("loss")}


def _measured(terms: Terms, groups: list[list[float]], a: list[float], b: list[float]) -> Measured | None:
    if not (a or b):  # ties of failures everywhere are no finding about the harness
        return None
    if terms.design.paired:
        return paired(terms, groups) if groups else None
    return unpaired(terms, a, b) if a and b else None


def _task_effects(terms: Terms, pairs: Sequence[Pair], headline: set[str]) -> list[TaskEffect]:
    by_task = {t.id: [p for p in pairs if p.task == t.id] for t in terms.design.tasks}
    measured = {id: paired(terms, groups_of(terms, ps)) for id, ps in by_task.items() if ps}
    adjusted = dict(zip(measured, holm([m.test.p for m in measured.values()]), strict=True))
    return [_task_effect(terms, id, id in headline, by_task[id], m, adjusted[id]) for id, m in measured.items()]


def _task_effect(
    terms: Terms, task: str, headline: bool, pairs: list[Pair], measured: Measured, p_holm: float
) -> TaskEffect:
    return TaskEffect(
        task=task,
        headline=headline,
        pairs=len(pairs),
        estimate=estimate(terms, measured.interval, measured.method),
        test=measured.test,
        p_holm=p_holm,
        **_tally(pairs),
        harmed=measured.interval.value * terms.sign < 0 and p_holm <= terms.design.alpha,
    )


def _judgement(terms: Terms, measured: Measured | None, wanted: Callable[[], int | None]) -> Judgement:
    """`wanted` tells how many pairs or trials it would take; it is costly, and asked only where it matters."""
    least = _least(terms)
    if measured is None:  # what was planned has still to be done
        planned = terms.design.trials * len(headline_tasks(terms.design))
        reason = f"{_too_few(terms, 0, least)} (all were lost, or none ever had a score)"
        return _underpowered(terms, reason, max(least, planned), descriptive=True)
    if measured.n < least:
        needed = wanted() if measured.n > 1 else least  # a single one tells nothing of the spread
        needed = None if needed is None else max(least, needed)
        return _underpowered(terms, _too_few(terms, measured.n, least), needed, descriptive=True)
    p, alpha = measured.test.p, terms.design.alpha
    if p <= alpha:
        better = measured.interval.value * terms.sign > 0
        return Judgement(word="better" if better else "worse", reason=f"p = {p:.3g} is at most {alpha:g}")
    return _undecided(terms, measured, wanted())


def _too_few(terms: Terms, n: int, least: int) -> str:
    unit = "pair" if terms.design.paired else "trial of each arm"
    return f"{n} {unit if n == 1 else _unit(terms)}: descriptive only, no verdict is possible below {least}"


def _undecided(terms: Terms, measured: Measured, wanted: int | None) -> Judgement:
    seen = f"p = {measured.test.p:.3g} is above {terms.design.alpha:g}"
    if measured.interval.low == measured.interval.high == 0:
        return Judgement(word="no evidence", reason=f"{seen}: nothing differed in any of {measured.n} {_unit(terms)}")
    if _ruled_out(terms, measured.interval):
        return Judgement(word="no evidence", reason=f"{seen}, and the interval rules out a worthwhile improvement")
    if wanted is not None and wanted <= measured.n:
        return Judgement(word="no evidence", reason=f"{seen}, with {_unit(terms)} enough to find a worthwhile effect")
    reason = f"{seen}, and {measured.n} {_unit(terms)} are too few to find a worthwhile effect amid this spread"
    return _underpowered(terms, reason, wanted)


def _underpowered(terms: Terms, reason: str, wanted: int | None, *, descriptive: bool = False) -> Judgement:
    tasks = len(headline_tasks(terms.design))
    needs = None if wanted is None else math.ceil(wanted / tasks)
    each = f"; n is the number for each of the {tasks} tasks" if tasks > 1 else ""
    return Judgement(word="underpowered", reason=reason + each, needs=needs, descriptive=descriptive)


def _wanted(terms: Terms, groups: list[list[float]], a: list[float], b: list[float]) -> int | None:
    if terms.design.paired:
        return pairs_wanted(terms, groups) if groups else None
    return trials_wanted(terms, a, b) if a and b else None


def _unit(terms: Terms) -> str:
    return "pairs" if terms.design.paired else "trials of each arm"


def _least(terms: Terms) -> int:
    """Below this, not even the clearest result has a p-value of alpha."""
    if terms.design.paired:
        return max(terms.rules.least_pairs, fewest_pairs(terms.design.alpha))
    return max(terms.rules.least_per_group, fewest_per_group(terms.design.alpha))


def _ruled_out(terms: Terms, interval: Interval) -> bool:
    """Does the whole interval lie below the smallest worthwhile improvement?"""
    most = interval.high if terms.sign > 0 else interval.low
    return most is not None and most * terms.sign < terms.worthwhile
