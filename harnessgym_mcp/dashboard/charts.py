"""Charts over time, in the style of the report's: calls as bars, durations as lines, and sparks for tables."""

import math
import time
from collections.abc import Sequence

from markupsafe import Markup

from harnessgym_mcp.core.events import percentile
from harnessgym_mcp.dashboard.periods import Period
from harnessgym_mcp.dashboard.rendering import milliseconds
from harnessgym_mcp.report.svg import Axis, Canvas, logarithmic
from harnessgym_mcp.store.callseries import Point

__all__ = ["Bucket", "activity", "buckets", "durations", "spark"]

_WIDTH, _LEFT, _RIGHT = 960.0, 56.0, 944.0
_TICKS = (60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400)

Bucket = tuple[float, int, int, float | None, float | None]
"""`(start, calls, successes, p50 in ms, p95 in ms)` of one step of time."""


def buckets(points: Sequence[Point], period: Period) -> list[Bucket]:
    """Calls sorted into the period's steps; every step is there, also where nothing was called."""
    found: list[list[Point]] = [[] for _ in range(period.count)]
    for point in points:
        number = int((point.at - period.start) / period.step)
        if 0 <= number < period.count:
            found[number].append(point)
    return [_bucket(period.start + i * period.step, inside) for i, inside in enumerate(found)]


def _bucket(start: float, inside: list[Point]) -> Bucket:
    times = sorted(p.ms for p in inside)
    good = sum(p.status == "completed" for p in inside)
    return start, len(inside), good, percentile(times, 0.5), percentile(times, 0.95)


def activity(name: str, counts: Sequence[tuple[int, int]], period: Period) -> Markup:
    """Bars of calls; failed ones are hollow and on top. `counts` are `(calls, successes)` of each step."""
    canvas = Canvas(_WIDTH, 176)
    foot, top = 146.0, 12.0
    most = max((c for c, _ in counts), default=0)
    up = Axis(0, max(most, 1), foot, top, _whole_ticks(most), float)
    _grid(canvas, up, [f"{t:,.0f}" for t in up.ticks])
    _time_ticks(canvas, period, foot)
    width = (_RIGHT - _LEFT) / max(period.count, 1)
    gap = min(width * 0.18, 3.0)
    for i, (calls, good) in enumerate(counts):
        x = _LEFT + i * width + gap / 2
        when = _moment(period.start + i * period.step, period.step)
        if good:
            canvas.rect(x, up.at(good), width - gap, foot - up.at(good), "calls good", f"{when}: {good} completed")
        if calls > good:
            tip = f"{when}: {calls - good} not completed"
            canvas.rect(x, up.at(calls), width - gap, up.at(good) - up.at(calls), "calls bad", tip)
    calls, good = sum(c for c, _ in counts), sum(g for _, g in counts)
    return canvas.render(name, f"Calls per {period.step_name}", f"{calls} calls, {good} of them completed")


def durations(name: str, steps: Sequence[Bucket], period: Period) -> Markup:
    """The median as a line with round marks, the 95th percentile dashed with square ones, on a scale of ratios."""
    canvas = Canvas(_WIDTH, 216)
    foot, top = 186.0, 12.0
    values = [max(v, 1e-3) for b in steps for v in b[3:] if v is not None]
    up = logarithmic(values or [1.0, 10.0], foot, top, ticks=4)
    _grid(canvas, up, [milliseconds(t) for t in up.ticks])
    _time_ticks(canvas, period, foot)
    width = (_RIGHT - _LEFT) / max(period.count, 1)
    for column, shape, kind, word in ((4, "square", "notes", "p95"), (3, "circle", "harnessed", "p50")):
        places = [
            (_LEFT + (i + 0.5) * width, up.at(max(value, 1e-3)), step, value)
            for i, step in enumerate(steps)
            if (value := step[column]) is not None and isinstance(value, float | int)
        ]
        if len(places) > 1:
            canvas.path([(x, y) for x, y, _, _ in places], f"curve arm-{kind}")
        for x, y, step, value in places:
            tip = f"{_moment(step[0], period.step)}: {word} {milliseconds(value)}"
            canvas.mark(x, y, shape, f"arm-{kind}", tip)
    told = f"{sum(b[1] for b in steps)} calls; fastest median {milliseconds(min(values, default=None))}"
    return canvas.render(name, f"Duration per {period.step_name}: median and 95th percentile", told)


def spark(name: str, counts: Sequence[int], what: str) -> Markup:
    """Tiny bars for a table's cell."""
    canvas = Canvas(112, 22)
    most = max(counts, default=0) or 1
    width = 112 / max(len(counts), 1)
    canvas.line(0, 21.5, 112, 21.5, "grid")
    for i, count in enumerate(counts):
        if count:
            height = 2 + 18 * count / most
            canvas.rect(i * width, 21 - height, max(width - 0.6, 0.8), height, "spark")
    return canvas.render(name, what, f"{sum(counts)} calls")


def _grid(canvas: Canvas, up: Axis, words: list[str]) -> None:
    for tick, word in zip(up.ticks, words, strict=True):
        canvas.line(_LEFT, up.at(tick), _RIGHT, up.at(tick), "grid")
        canvas.text(_LEFT - 8, up.at(tick) + 4, word, "tick end")


def _whole_ticks(most: int) -> list[float]:
    step = max(math.ceil(most / 4), 1)
    power = 10 ** math.floor(math.log10(step))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= step)
    return [float(t) for t in range(0, max(most, 1) + 1, step)]


def _time_ticks(canvas: Canvas, period: Period, foot: float) -> None:
    span = period.end - period.start
    step = next((s for s in _TICKS if span / s <= 9), math.ceil(span / 9 / 86_400) * 86_400)
    offset = time.localtime(period.start).tm_gmtoff or 0
    at = math.ceil((period.start + offset) / step) * step - offset
    scale = (_RIGHT - _LEFT) / span
    while at <= period.end:
        x = _LEFT + (at - period.start) * scale
        canvas.line(x, foot, x, foot + 4, "grid")
        if _LEFT + 14 < x < _RIGHT - 14:
            canvas.text(x, foot + 18, _moment(at, step), "tick middle")
        at += step


def _moment(at: float, step: float) -> str:
    moment = time.localtime(at)
    if step >= 86_400:
        return time.strftime("%d %b", moment)
    return time.strftime("%d %b %H:%M" if not (moment.tm_hour or moment.tm_min) else "%H:%M", moment)
