"""The report's tables: made once from the model, shown on every face. All cells are text, cleaned and cut."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harnessgym_mcp.core.comparison import ArmSummary, Contrast
from harnessgym_mcp.core.judging import FLAGS, Judged
from harnessgym_mcp.core.outcomes import CAUSES
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.words import (
    ARM_NAMES,
    dollars,
    duration,
    effect,
    headline,
    number,
    percent,
    probability,
    tally,
)

__all__ = ["Table", "tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `key` names it for the page, `numeric` are the columns to align right."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    numeric: frozenset[int] = frozenset()
    note: str = ""


def tables(model: ReportModel) -> dict[str, Table]:
    """Key -> table, in reading order; tables that would be empty are left out."""
    made = [make(model) for make in _MAKERS]
    return {t.key: t for t in made if t.rows}


def _contrasts(model: ReportModel) -> Table:
    rows = [
        (
            f"{ARM_NAMES[c.arm]} / {ARM_NAMES[c.reference]}",
            headline(c.judgement),
            effect(c.estimate),
            effect(c.beyond),
            probability(c.test),
            str(c.n),
            tally(model.design, c),
        )
        for c in model.comparison.contrasts
    ]
    columns = ("contrast", "verdict", f"effect {_level(model)}", "for tasks like these", "p", "n", "pairs")
    return _table("contrasts", "Contrasts", columns, rows, {4, 5}, _methods(model.comparison.contrasts[0]))


def _tasks(model: ReportModel) -> Table:
    rows = [
        (
            t.task,
            "headline" if t.headline else "training",
            effect(t.estimate),
            probability(t.test),
            f"{t.p_holm:.4f}",
            f"{t.wins} won, {t.ties} tied, {t.losses} lost",
            "harmed" if t.harmed else "",
        )
        for t in model.comparison.contrasts[0].tasks
        if len(model.design.tasks) > 1
    ]
    columns = ("task", "role", f"effect {_level(model)}", "p", "p (Holm)", "pairs", "")
    return _table("tasks", "Tasks", columns, rows, {3, 4}, "Holm's p keeps the error of all tasks together at alpha.")


def _scores(model: ReportModel) -> Table:
    rows = [
        (
            t.task,
            ARM_NAMES[t.arm],
            number(t.median),
            number(t.geometric_mean),
            number(t.low),
            number(t.high),
            ", ".join(map(number, t.scores)) or "none",
        )
        for t in model.comparison.task_arms
    ]
    columns = (
        "task",
        "arm",
        "median",
        "geometric mean",
        "lowest",
        "highest",
        f"valid {model.design.metric}, in plan order",
    )
    return _table("scores", "Scores", columns, rows if model.design.scale != "pass" else [], {2, 3, 4, 5})


def _rates(model: ReportModel) -> Table:
    rows = [
        (
            ARM_NAMES[a.arm],
            f"{a.solved} of {a.started - a.lost}",
            percent(a.solved / (a.started - a.lost)) if a.started > a.lost else "–",
            f"[{percent(a.solved_low)}, {percent(a.solved_high)}]",
            _repeats(a.pass_at),
            _repeats(a.pass_all),
        )
        for a in model.comparison.arms
    ]
    columns = ("arm", "solved", "rate", f"Clopper-Pearson {percent(model.design.level)}", "pass@k", "pass^k")
    return _table("rates", "Solved", columns, rows if model.design.graded else [], {1, 2})


def _arms(model: ReportModel) -> Table:
    rows = [(ARM_NAMES[a.arm], str(a.started), str(a.valid), str(a.lost), _failures(a)) for a in model.comparison.arms]
    return _table("arms", "Trials by arm", ("arm", "started", "valid", "lost", "failures"), rows, {1, 2, 3})


def _curves(model: ReportModel) -> Table:
    rows = [
        (ARM_NAMES[c.arm], percent(c.steps[-1][1]) if c.steps else percent(0), duration(c.median))
        for c in model.comparison.curves
    ]
    columns = ("arm", "reached in the budget", "time by which half had")
    return _table("curves", "Time to the threshold", columns, rows, {1, 2})


def _tools(model: ReportModel) -> Table:
    rows = [
        (
            u.tool,
            ARM_NAMES[u.arm],
            str(u.calls),
            ", ".join(f"{n} {status}" for status, n in u.statuses.items()),
            percent(u.errors),
            f"{number(u.p50_ms)} / {number(u.p95_ms)}",
            duration(u.first),
            percent(u.followed),
            str(u.trials),
        )
        for u in model.comparison.tools
    ]
    columns = ("tool", "arm", "calls", "by status", "failed", "p50 / p95 ms", "first call", "edit followed", "trials")
    return _table("tools", "Calls by tool", columns, rows, {2, 4, 5, 6, 7, 8})


def _use(model: ReportModel) -> Table:
    split = model.comparison.split
    rows = (
        [
            ("used a tool", str(split.used), effect(split.used_estimate)),
            ("used none", str(split.unused), effect(split.unused_estimate)),
        ]
        if split and model.design.bundle.tools
        else []
    )
    note = "Secondary: whether a tool was used was the agent's choice, not the draw's."
    return _table("use", "Pairs by use", ("harnessed trial", "pairs", f"effect {_level(model)}"), rows, {1}, note)


def _cost(model: ReportModel) -> Table:
    rows = [
        (
            ARM_NAMES[a.arm],
            duration(a.median_seconds),
            duration(a.seconds),
            number(a.tokens / a.told_tokens) if a.told_tokens else "–",
            dollars(a.dollars / a.told_dollars) if a.told_dollars else "–",
            dollars(a.dollars) if a.told_dollars else "–",
            number(a.turns / a.started) if a.started else "–",
            f"{a.used} of {a.calls}",
        )
        for a in model.comparison.arms
    ]
    columns = (
        "arm",
        "median time",
        "all time",
        "tokens a trial",
        "dollars a trial",
        "all dollars",
        "turns a trial",
        "calls used",
    )
    return _table("cost", "Cost", columns, rows, set(range(1, 8)))


def _break_even(model: ReportModel) -> Table:
    show = {"seconds": duration, "tokens": number, "dollars": dollars}
    rows = [
        (
            b.unit,
            show[b.unit](b.generation),
            show[b.unit](b.plain),
            show[b.unit](b.harnessed),
            f"after {b.runs:,} runs" if b.runs is not None else "never: nothing is saved",
        )
        for b in model.comparison.break_even
    ]
    columns = ("in", "building it cost", "plain run", "harnessed run", "has paid for itself")
    return _table("break_even", "Break-even", columns, rows, {1, 2, 3})


def _leaks(model: ReportModel) -> Table:
    rows = [
        (leak.kind.replace("_", " "), leak.where, leak.what, "breaks" if leak.breaks else "weakens")
        for leak in model.comparison.leaks
    ]
    return _table("leaks", "Leakage audit", ("kind", "where", "what", "the claim"), rows)


def _trials(model: ReportModel) -> Table:
    rows = [
        (
            j.trial,
            number(j.score),
            f"{number(j.value)}{' (imputed)' if j.imputed else ''}",
            _state(j),
            duration(j.seconds),
            f"{j.used} of {j.calls}",
        )
        for j in model.comparison.trials
    ]
    columns = ("trial", model.design.metric, "counts as", "what happened", "time", "calls used")
    return _table("trials", "Every trial, in the order it ran", columns, rows, {1, 2, 4, 5})


def _design(model: ReportModel) -> Table:
    design = model.design
    facts: list[tuple[str, str]] = [
        ("metric", f"{design.metric}, {design.direction} is better, compared by {design.scale}"),
        ("arms", ", ".join(ARM_NAMES[a] for a in design.arms)),
        (
            "plan",
            f"{design.trials} {'pairs' if design.paired else 'trials'} of {len(design.tasks)} task(s), "
            f"seed {design.seed}",
        ),
        (
            "decided by",
            f"alpha {design.alpha:g}, power {design.power:g}, smallest worthwhile effect {design.worthwhile:g}",
        ),
        ("threshold", number(design.threshold)),
        ("failures count as", f"the task's {'starting score' if design.failure == 'baseline' else 'worst value'}"),
        ("budget of an attempt", _budget(model)),
        ("agent", " ".join(filter(None, (design.agent, design.model))) or "–"),
        ("bundle", ", ".join(design.bundle.artifacts + design.bundle.tools + design.bundle.skills) or "–"),
        *((f"hash of {k}", v) for k, v in design.hashes.items()),
        *design.machine.items(),
        ("policy", design.policy_digest or "–"),
        ("design", model.design_digest),
    ]
    return _table("design", "Design, fixed before the first trial", ("", ""), facts)


def _table(
    key: str,
    title: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[str, ...]],
    numeric: Iterable[int] = (),
    note: str = "",
) -> Table:
    shown = [tuple(one_line(cell, 400) for cell in row) for row in rows]
    return Table(key, title, tuple(one_line(c) for c in columns), shown, frozenset(numeric), note)


def _level(model: ReportModel) -> str:
    return f"[{percent(model.design.level)}]"


def _methods(contrast: Contrast) -> str:
    return "; ".join(m.method for m in (contrast.estimate, contrast.test) if m)


def _repeats(shares: dict[str, float]) -> str:
    return ", ".join(f"{k}: {share:.2f}" for k, share in shares.items()) or "–"


def _failures(arm: ArmSummary) -> str:
    return "; ".join(f"{n} x {CAUSES.get(cause, cause)}" for cause, n in arm.failures.items()) or "none"


def _state(judged: Judged) -> str:
    words = [FLAGS[f] for f in judged.flags if f in FLAGS]
    if not judged.valid:
        words.insert(0, judged.message)
    return "; ".join(words) or "ok"


def _budget(model: ReportModel) -> str:
    budget = model.design.budget
    parts = [duration(budget.seconds)]
    parts += [dollars(budget.dollars)] if budget.dollars is not None else []
    parts += [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    return ", ".join(parts)


_MAKERS: tuple[Callable[[ReportModel], Table], ...] = (
    _contrasts,
    _tasks,
    _scores,
    _rates,
    _arms,
    _curves,
    _tools,
    _use,
    _cost,
    _break_even,
    _leaks,
    _trials,
    _design,
)
