"""The analysis of a comparison: a pure function of its design and its outcomes."""

from collections.abc import Iterable, Sequence

import msgspec

from harnessgym_mcp.core.cautions import Facts, cautions
from harnessgym_mcp.core.comparison import Caution, Comparison, Contrast, Estimate, Judgement, Pair, UseSplit
from harnessgym_mcp.core.contrasts import contrast, groups_of, headline_tasks, values_of
from harnessgym_mcp.core.judging import Judged, judge
from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.measuring import Terms, estimate, paired, terms_of
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.summaries import arm_summary, break_evens, curve, task_arm, tool_uses
from harnessgym_mcp.core.trials import Arm, Design, by_trial, plan, remaining

__all__ = ["analyse"]


def analyse(
    design: Design, outcomes: Iterable[Outcome], *, leaks: Sequence[Leak] | None = None, rules: Compare | None = None
) -> Comparison:
    """Everything that the outcomes say, by intention to treat. Raises UsageError for a design that is not valid and
    for outcomes that do not belong to it. An unfinished plan is analysed too, but gets no better and no worse.
    `leaks` is what the leakage audit found; None where there was none."""
    rules = rules or Compare()
    trials = plan(design)
    found = by_trial(trials, outcomes)
    judged = judge(design, found.values())
    finished = len(trials) - len(remaining(design, found))
    contrasts = [contrast(design, rules, judged, a, b, primary=not i) for i, (a, b) in enumerate(_contrasts(design))]
    if finished < len(trials):
        contrasts = [_waiting(design, c) for c in contrasts]
    arms = [arm_summary(design, arm, judged) for arm in design.arms]
    known = cautions(Facts(design, len(trials), finished, list(found.values()), judged, arms, contrasts, leaks))
    of_arm = {arm: [found[j.trial] for j in judged if j.arm == arm] for arm in design.arms}
    return Comparison(
        planned=len(trials),
        finished=finished,
        contrasts=[_withheld(contrasts[0], known), *contrasts[1:]],
        arms=arms,
        task_arms=[task_arm(t.id, arm, judged) for t in design.tasks for arm in design.arms],
        tools=[use for arm in design.arms for use in tool_uses(arm, of_arm[arm])],
        split=_split(design, rules, judged, contrasts[0]),
        curves=[curve(arm, judged) for arm in design.arms] if design.graded else [],
        break_even=break_evens(design, judged),
        cautions=known,
        audited=leaks is not None,
        leaks=list(leaks or ()),
        trials=judged,
    )


def _contrasts(design: Design) -> list[tuple[Arm, Arm]]:
    """(arm, reference), the primary contrast first."""
    others: list[tuple[Arm, Arm]] = [(arm, "plain") for arm in design.arms if arm != "plain"]
    others.sort(key=lambda c: c[0] != "harnessed")
    both = {"harnessed", "notes"} <= set(design.arms)
    return [*others, ("harnessed", "notes")] if both else others


def _waiting(design: Design, contrast: Contrast) -> Contrast:
    """Looking early and stopping when it looks good would find differences that are not there."""
    reason = f"{contrast.n} of {design.trials * len(headline_tasks(design))} planned repetitions so far"
    judgement = Judgement(word="underpowered", reason=reason, needs=design.trials, descriptive=True)
    return msgspec.structs.replace(contrast, judgement=judgement)


def _withheld(contrast: Contrast, known: Sequence[Caution]) -> Contrast:
    broken = [c.what for c in known if c.severity == "breaks"]
    if contrast.judgement.word != "better" or not broken:
        return contrast
    reason = f"the numbers say better ({contrast.judgement.reason}), but {broken[0]}"
    return msgspec.structs.replace(contrast, judgement=Judgement(word="no evidence", reason=reason, withheld=True))


def _split(design: Design, rules: Compare, judged: Sequence[Judged], primary: Contrast) -> UseSplit | None:
    if primary.arm != "harnessed" or not primary.pairs:
        return None
    headline = headline_tasks(design)
    a, b = (values_of(judged, side, headline) for side in (primary.reference, primary.arm))
    terms = terms_of(design, rules, a, b)
    users = {(j.task, j.repetition) for j in judged if j.arm == "harnessed" and j.used}
    pairs = [p for p in primary.pairs if p.task in headline]
    used = [p for p in pairs if (p.task, p.repetition) in users]
    unused = [p for p in pairs if (p.task, p.repetition) not in users]
    return UseSplit(
        used=len(used), unused=len(unused), used_estimate=_part(terms, used), unused_estimate=_part(terms, unused)
    )


def _part(terms: Terms, pairs: list[Pair]) -> Estimate | None:
    if not pairs:
        return None
    measured = paired(terms, groups_of(terms, pairs))
    return estimate(terms, measured.interval, measured.method)
