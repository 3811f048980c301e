"""What all charts share: the shape of a chart, the arms' marks, the page's measures, ticks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harnessgym_mcp.core.trials import Arm
from harnessgym_mcp.report.svg import Axis, Canvas, linear, logarithmic

__all__ = ["LEFT", "MARKS", "PANELS", "RIGHT", "ROW", "WIDTH", "Chart", "score_axis", "ticks"]

MARKS: dict[Arm, str] = {"plain": "circle", "harnessed": "diamond", "notes": "square", "aa": "triangle"}
"""Each arm's shape; its colour is the class `arm-<name>`."""

WIDTH = 960.0
LEFT = 190.0
RIGHT = 740.0
ROW = 26.0
PANELS = 12  # tasks drawn; all of them are in the tables


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture; `arms` are those that its legend explains. Its numbers stand in a table of the same section."""

    key: str
    title: str
    caption: str
    svg: Markup
    arms: tuple[Arm, ...] = ()


def score_axis(values: Sequence[float]) -> Axis:
    """Ratios matter where values are positive and lie far apart."""
    wide = min(values) > 0 and max(values) / min(values) > 20
    return (logarithmic if wide else linear)(list(values), LEFT, RIGHT)


def ticks(canvas: Canvas, axis: Axis, top: float, foot: float, show: Callable[[float], str]) -> None:
    for tick in axis.ticks:
        canvas.line(axis.at(tick), top, axis.at(tick), foot, "grid")
        canvas.text(axis.at(tick), foot + 17, show(tick), "tick middle")
