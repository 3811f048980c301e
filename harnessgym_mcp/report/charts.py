"""The report's charts, drawn from the model. Each has a title, a description in words, and a table beside it."""

from collections.abc import Callable, Iterator

from harnessgym_mcp.core.comparison import Contrast, Estimate
from harnessgym_mcp.core.trials import Arm
from harnessgym_mcp.report.drawing import LEFT, MARKS, PANELS, RIGHT, ROW, WIDTH, Chart, ticks
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.panels import pairs_chart, strips_chart
from harnessgym_mcp.report.svg import Axis, Canvas, linear, logarithmic
from harnessgym_mcp.report.words import ARM_NAMES, capital, change, duration, effect, level_of, number, percent

__all__ = ["charts"]

_TIMES = (0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400)


def charts(model: ReportModel) -> list[Chart]:
    """The charts that the model has data for, in reading order."""
    return [chart for make in _MAKERS for chart in make(model)]


def _effects(model: ReportModel) -> Iterator[Chart]:
    rows = list(_effect_rows(model))
    if not rows:
        return
    canvas = Canvas(WIDTH, 80 + ROW * len(rows))
    ratio = rows[0][1].scale == "ratio"
    null = 1.0 if ratio else 0.0
    values = [null, *(v for _, e, _ in rows for v in (e.value, e.low, e.high) if v is not None)]
    axis = (logarithmic if ratio else linear)(values, LEFT, RIGHT)
    foot = canvas.height - 48
    _sides(canvas, model, axis, null)
    first_row = rows[0][1]
    ticks(canvas, axis, 30, foot, lambda v: number(v) if ratio else level_of(first_row, v))
    canvas.line(axis.at(null), 24, axis.at(null), foot, "null")
    for i, (name, estimate, kind) in enumerate(rows):
        _effect_row(canvas, axis, 46 + ROW * i, name, estimate, kind)
    first = model.comparison.contrasts[0]
    canvas.text((LEFT + RIGHT) / 2, canvas.height - 8, _measure(model, first), "tick middle", width=RIGHT - LEFT)
    what = f"{ARM_NAMES[first.arm]} against {ARM_NAMES[first.reference]}"
    told = change(rows[0][1], model.design.metric)
    yield Chart(
        key="effects",
        title="Effect",
        caption=f"{capital(what)}, with {percent(model.design.level)} intervals. The dashed line is no effect.",
        svg=canvas.render("effects", f"Effect of {what}", f"{told}: {effect(rows[0][1])}"),
    )


def _measure(model: ReportModel, contrast: Contrast) -> str:
    """What the axis of the effects counts."""
    arm, reference = ARM_NAMES[contrast.arm], ARM_NAMES[contrast.reference]
    if contrast.estimate and contrast.estimate.scale == "ratio":
        return f"{model.design.metric} of {arm}, divided by that of {reference}"
    what = "share solved" if model.design.scale == "pass" else model.design.metric
    return f"{what} of {arm}, less that of {reference}"


def _effect_rows(model: ReportModel) -> Iterator[tuple[str, Estimate, str]]:
    first = model.comparison.contrasts[0]
    if first.estimate is None:
        return
    several = len(first.tasks) > 1
    yield ("these tasks together" if several else "all pairs", first.estimate, "overall")
    if first.beyond and first.beyond.low is not None:
        yield ("tasks like these", first.beyond, "beyond")
    if several:
        for task in first.tasks[: 2 * PANELS]:
            yield (task.task + ("" if task.headline else " (training)"), task.estimate, "each")
    for contrast in model.comparison.contrasts[1:]:
        if contrast.estimate and contrast.estimate.scale == first.estimate.scale:
            yield (f"{ARM_NAMES[contrast.arm]} / {ARM_NAMES[contrast.reference]}", contrast.estimate, "control")


def _effect_row(canvas: Canvas, axis: Axis, y: float, name: str, estimate: Estimate, kind: str) -> None:
    canvas.text(LEFT - 12, y + 4, name, "label end" + " strong" * (kind == "overall"), width=LEFT - 16)
    if estimate.low is not None and estimate.high is not None:
        low, high = axis.at(estimate.low), axis.at(estimate.high)
        canvas.line(low, y, high, y, f"bar {kind}")
        for x in (low, high):
            canvas.line(x, y - 4, x, y + 4, f"bar {kind}")
    shape = {"overall": "diamond", "beyond": "diamond"}.get(kind, "square")
    canvas.mark(axis.at(estimate.value), y, shape, f"effect {kind}", effect(estimate))
    canvas.text(RIGHT + 14, y + 4, effect(estimate), "value")


def _sides(canvas: Canvas, model: ReportModel, axis: Axis, null: float) -> None:
    up = model.design.direction == "higher" or model.design.scale == "pass"
    x = axis.at(null)
    canvas.text(x - 10, 16, "worse ◂" if up else "better ◂", f"side end {'bad' if up else 'good'}")
    canvas.text(x + 10, 16, "▸ better" if up else "▸ worse", f"side {'good' if up else 'bad'}")


def _rates(model: ReportModel) -> Iterator[Chart]:
    arms = model.comparison.arms
    if not model.design.graded:
        return
    canvas = Canvas(WIDTH, 52 + ROW * len(arms))
    axis = Axis(0, 1, LEFT, RIGHT, [0, 0.25, 0.5, 0.75, 1], float)
    ticks(canvas, axis, 16, canvas.height - 26, percent)
    told = []
    for i, arm in enumerate(arms):
        counted = arm.started - arm.lost
        y = 34 + ROW * i
        canvas.text(LEFT - 12, y + 4, ARM_NAMES[arm.arm], "label end")
        if counted and arm.solved_low is not None and arm.solved_high is not None:
            canvas.line(axis.at(arm.solved_low), y, axis.at(arm.solved_high), y, f"bar arm-{arm.arm}")
            canvas.mark(axis.at(arm.solved / counted), y, MARKS[arm.arm], f"arm-{arm.arm}")
        told.append(f"{ARM_NAMES[arm.arm]}: {arm.solved} of {counted}")
        canvas.text(RIGHT + 14, y + 4, f"{arm.solved} of {counted} solved", "value")
    yield Chart(
        key="rates",
        title="Solved",
        caption=f"Share of trials solved, with Clopper-Pearson {percent(model.design.level)} intervals.",
        svg=canvas.render("rates", "Share of trials solved by arm", "; ".join(told)),
    )


def _curves(model: ReportModel) -> Iterator[Chart]:
    curves = model.comparison.curves
    if not any(c.steps for c in curves):
        return
    canvas = Canvas(WIDTH, 290)
    end = max([model.design.budget.seconds, *(t for c in curves for t, _ in c.steps)])
    across = Axis(0, end, 70, RIGHT, _time_ticks(end), float)
    up = Axis(0, 1, 244, 20, [0, 0.25, 0.5, 0.75, 1], float)
    ticks(canvas, across, 20, 250, duration)
    for share in up.ticks:
        canvas.line(70, up.at(share), RIGHT, up.at(share), "grid")
        canvas.text(60, up.at(share) + 4, percent(share), "tick end")
    taken: list[float] = []
    for c in curves:
        last = c.steps[-1][1] if c.steps else 0.0
        points = [(across.at(0), up.at(0))]
        for t, share in c.steps:
            points += [(across.at(t), points[-1][1]), (across.at(t), up.at(share))]
        canvas.path([*points, (across.at(end), points[-1][1])], f"curve arm-{c.arm}")
        y = _free(up.at(last) + 4, taken)
        canvas.text(RIGHT + 14, y, f"{ARM_NAMES[c.arm]} {percent(last)}", f"value arm-{c.arm}")
    yield Chart(
        key="curves",
        title="Time to the threshold",
        caption="Share of all trials that had reached the threshold by then; budgets are equal.",
        svg=canvas.render("curves", "Share of trials solved over time", "; ".join(_medians_of_time(model))),
    )


def _tools(model: ReportModel) -> Iterator[Chart]:
    uses = model.comparison.tools[:20]
    if not uses:
        return
    canvas = Canvas(WIDTH, 44 + ROW * len(uses))
    axis = Axis(0, max(u.calls for u in uses), LEFT + 90, RIGHT, [], float)
    for i, use in enumerate(uses):
        y = 14 + ROW * i
        canvas.text(LEFT + 78, y + 13, use.tool, "label end", width=LEFT + 70)
        good = use.calls - round(use.errors * use.calls)
        canvas.rect(axis.start, y, axis.at(good) - axis.start, 18, "calls good", f"{good} completed")
        canvas.rect(axis.at(good), y, axis.at(use.calls) - axis.at(good), 18, "calls bad", f"{use.calls - good} failed")
        canvas.text(RIGHT + 14, y + 13, f"{good} of {use.calls} completed", "value")
    yield Chart(
        key="tools",
        title="Calls by tool",
        caption="Calls that agents made, from the record of calls; the outlined part failed.",
        svg=canvas.render("tools", "Calls by tool", "; ".join(f"{u.tool}: {u.calls}" for u in uses)),
    )


def _cost(model: ReportModel) -> Iterator[Chart]:
    units: list[tuple[str, Callable[[float], str], dict[Arm, float]]] = [
        ("seconds a trial", duration, {a.arm: a.median_seconds for a in model.comparison.arms if a.median_seconds}),
        ("tokens a trial", number, {a.arm: a.tokens / a.told_tokens for a in model.comparison.arms if a.told_tokens}),
        (
            "dollars a trial",
            lambda v: f"${v:.3g}",
            {a.arm: a.dollars / a.told_dollars for a in model.comparison.arms if a.told_dollars},
        ),
    ]
    units = [u for u in units if any(u[2].values())]
    if not units:
        return
    arms = model.design.arms
    block = 30 + 22.0 * len(arms)
    canvas = Canvas(WIDTH, block * len(units) + 6)
    for i, (unit, show, values) in enumerate(units):
        top = block * i
        canvas.text(8, top + 18, unit, "panel")
        axis = Axis(0, max(values.values()), LEFT, RIGHT, [], float)
        for k, arm in enumerate(arms):
            y = top + 26 + 22 * k
            canvas.text(LEFT - 12, y + 12, ARM_NAMES[arm], "label end")
            canvas.rect(axis.start, y, axis.at(values.get(arm, 0.0)) - axis.start, 15, f"cost arm-{arm}")
            canvas.text(RIGHT + 14, y + 12, show(values[arm]) if arm in values else "not told", "value")
    yield Chart(
        key="cost",
        title="Cost",
        caption="Time is the median trial's; tokens and dollars are means over the trials that told.",
        svg=canvas.render("cost", "Cost of a trial by arm", "the numbers are in the table below"),
    )


def _time_ticks(end: float) -> list[float]:
    """Round times: at most eight steps up to `end` seconds."""
    step = next((s for s in _TIMES if end / s <= 8), end)
    return [i * step for i in range(int(end / step) + 1)]


def _free(y: float, taken: list[float]) -> float:
    """A height for a label that keeps it clear of the others."""
    while any(abs(y - other) < 15 for other in taken):
        y += 15
    taken.append(y)
    return y


def _medians_of_time(model: ReportModel) -> Iterator[str]:
    for c in model.comparison.curves:
        yield f"{ARM_NAMES[c.arm]}: half by {duration(c.median)}"


_MAKERS: tuple[Callable[[ReportModel], Iterator[Chart]], ...] = (
    _effects,
    _rates,
    pairs_chart,
    strips_chart,
    _curves,
    _tools,
    _cost,
)
