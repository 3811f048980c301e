"""Charts with a panel for each task: the pairs, and every trial."""

from collections.abc import Iterator, Sequence

from harnessgym_mcp.core.comparison import Contrast, Pair
from harnessgym_mcp.core.judging import Judged
from harnessgym_mcp.core.trials import Arm
from harnessgym_mcp.report.drawing import LEFT, MARKS, PANELS, RIGHT, ROW, WIDTH, Chart, score_axis, ticks
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.svg import Axis, Canvas
from harnessgym_mcp.report.words import ARM_NAMES, number

__all__ = ["pairs_chart", "strips_chart"]

_TIGHT = 24  # pairs above which rows are drawn narrower


def pairs_chart(model: ReportModel) -> Iterator[Chart]:
    first = model.comparison.contrasts[0]
    panels = _by_task(model, first)
    if not panels or model.design.scale == "pass":
        return
    sizes = {task: (ROW if len(ps) <= _TIGHT else 11.0) for task, ps in panels.items()}
    canvas = Canvas(WIDTH, sum(58 + sizes[t] * len(ps) for t, ps in panels.items()))
    top = 0.0
    for task, pairs in panels.items():
        _pair_panel(canvas, model, first, task, pairs, top, sizes[task])
        top += 58 + sizes[task] * len(pairs)
    yield Chart(
        key="pairs",
        title="Pairs",
        caption=f"{_axis(model)} Each row is one repetition, run back to back in both arms. A cross is a failed"
        f" attempt, at the value it counts as.{_more(model, panels)}",
        svg=canvas.render(
            "pairs", "Paired values", f"{first.wins} pairs won, {first.ties} tied, {first.losses} lost by {first.arm}"
        ),
        arms=(first.reference, first.arm),
    )


def _pair_panel(
    canvas: Canvas, model: ReportModel, contrast: Contrast, task: str, pairs: list[Pair], top: float, row: float
) -> None:
    known = [v for p in pairs for v in (p.reference, p.value) if v is not None]
    canvas.text(8, top + 18, task, "panel", width=LEFT - 20)
    if not known:
        canvas.text(LEFT, top + 18, "no attempt was ever scored", "label")
        return
    axis = score_axis(known)
    foot = top + 30 + row * len(pairs)
    ticks(canvas, axis, top + 26, foot, number)
    failed = {(j.arm, j.repetition) for j in model.comparison.trials if j.task == task and not j.valid}
    for i, pair in enumerate(pairs):
        if pair.reference is not None and pair.value is not None:
            _pair_row(canvas, axis, top + 30 + row * (i + 0.5), contrast, pair, failed, row)


def _pair_row(
    canvas: Canvas, axis: Axis, y: float, contrast: Contrast, pair: Pair, failed: set[tuple[Arm, int]], row: float
) -> None:
    assert pair.reference is not None
    assert pair.value is not None
    canvas.line(axis.at(pair.reference), y, axis.at(pair.value), y, f"link {pair.outcome}")
    for arm, value in ((contrast.reference, pair.reference), (contrast.arm, pair.value)):
        shape = "cross" if (arm, pair.repetition) in failed else MARKS[arm]
        canvas.mark(
            axis.at(value), y, shape, f"{shape} arm-{arm}", f"{ARM_NAMES[arm]} {pair.repetition + 1}: {number(value)}"
        )
    if row >= ROW:
        canvas.text(LEFT - 12, y + 4, f"pair {pair.repetition + 1}", "label end")
        canvas.text(
            RIGHT + 14, y + 4, {"win": "won", "tie": "tied", "loss": "lost"}[pair.outcome], f"value {pair.outcome}"
        )


def strips_chart(model: ReportModel) -> Iterator[Chart]:
    tasks = [t.id for t in model.design.tasks][:PANELS]
    arms = model.design.arms
    if model.design.scale == "pass" or not any(j.value is not None for j in model.comparison.trials):
        return
    height = 58 + 30.0 * len(arms)
    canvas = Canvas(WIDTH, height * len(tasks))
    for i, task in enumerate(tasks):
        _strip_panel(canvas, model, task, i * height)
    yield Chart(
        key="strips",
        title="Every trial",
        caption=f"{_axis(model)} Every started trial that was not lost. The bar is the arm's median of valid"
        f" scores; a cross is a failed attempt.{_more(model, tasks)}",
        svg=canvas.render("strips", "Values of every trial by arm", "; ".join(_medians(model))),
    )


def _strip_panel(canvas: Canvas, model: ReportModel, task: str, top: float) -> None:
    mine = [j for j in model.comparison.trials if j.task == task and j.value is not None]
    canvas.text(8, top + 18, task, "panel", width=LEFT - 20)
    known = [j.value for j in mine if j.value is not None]
    threshold = model.design.threshold
    axis = score_axis([*known, threshold] if threshold is not None and known else known or [0.0])
    foot = top + 30 + 30 * len(model.design.arms)
    ticks(canvas, axis, top + 26, foot, number)
    if threshold is not None:
        canvas.line(axis.at(threshold), top + 22, axis.at(threshold), foot, "null")
        canvas.text(axis.at(threshold) + 6, top + 18, f"threshold {number(threshold)}", "side")
    for i, arm in enumerate(model.design.arms):
        _strip(canvas, model, axis, top + 45 + 30 * i, task, arm, [j for j in mine if j.arm == arm])


def _strip(canvas: Canvas, model: ReportModel, axis: Axis, y: float, task: str, arm: Arm, mine: list[Judged]) -> None:
    canvas.text(LEFT - 12, y + 4, ARM_NAMES[arm], "label end")
    for i, j in enumerate(mine):
        assert j.value is not None
        shape = MARKS[arm] if j.valid else "cross"
        tip = f"{ARM_NAMES[arm]} {j.repetition + 1}: {number(j.value)}{'' if j.valid else ', ' + j.message}"
        canvas.mark(axis.at(j.value), y + (i % 3 - 1) * 5, shape, f"{shape} arm-{arm}", tip)
    middle = next(t.median for t in model.comparison.task_arms if (t.task, t.arm) == (task, arm))
    if middle is not None:
        canvas.line(axis.at(middle), y - 12, axis.at(middle), y + 12, f"median arm-{arm}")
        canvas.text(RIGHT + 14, y + 4, f"median {number(middle)}", "value")


def _by_task(model: ReportModel, contrast: Contrast) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for task in [t.id for t in model.design.tasks]:
        mine = [p for p in contrast.pairs if p.task == task]
        if mine and len(found) < PANELS:
            found[task] = sorted(mine, key=lambda p: p.repetition)
    return found


def _medians(model: ReportModel) -> Iterator[str]:
    for t in model.comparison.task_arms:
        yield f"{t.task}, {ARM_NAMES[t.arm]}: median {number(t.median)} of {len(t.scores)}"


def _axis(model: ReportModel) -> str:
    """What the axes count, as a sentence."""
    return f"The axes are the {model.design.metric}; {model.design.direction} is better."


def _more(model: ReportModel, shown: Sequence[str] | dict[str, list[Pair]]) -> str:
    left = len(model.design.tasks) - len(shown)
    return f" {left} more task(s) are in the tables." if left > 0 else ""
