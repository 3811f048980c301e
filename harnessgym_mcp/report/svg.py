"""Drawing: a canvas of SVG elements and an axis. Every text and attribute is escaped by `Markup.format`.

Colours are not set here: elements carry classes that the page's style gives light and dark colours to.
"""

import math
from collections.abc import Callable

from markupsafe import Markup

from harnessgym_mcp.core.text import one_line

__all__ = ["Axis", "Canvas", "linear", "logarithmic"]

_FARTHEST = 700.0  # logarithms beyond are drawn at the edge: their numbers are no floats
_CHAR = 6.6  # about one character's width at the charts' font size


class Canvas:
    """Elements of one picture, `width` x `height` units."""

    __slots__ = ("_parts", "height", "width")

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[Markup] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._add('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>', *map(_short, (x1, y1, x2, y2)), kind)

    def rect(self, x: float, y: float, width: float, height: float, kind: str, tip: str = "") -> None:
        sizes = map(_short, (x, y, max(width, 0), height))
        self._add('<rect x="{}" y="{}" width="{}" height="{}" class="{}">{}</rect>', *sizes, kind, _tip(tip))

    def path(self, points: list[tuple[float, float]], kind: str) -> None:
        steps = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self._add('<polyline points="{}" class="{}"/>', steps, kind)

    def text(self, x: float, y: float, words: str, kind: str = "", *, width: float = math.inf) -> None:
        """Text whose baseline is at `y`, cut to about `width` units."""
        most = int(width / _CHAR) if math.isfinite(width) else 400
        shown = one_line(words, 400)
        cut = shown if len(shown) <= most else shown[: max(most - 1, 1)] + "…"
        tip = _tip(shown) if cut != shown else Markup()
        self._add('<text x="{}" y="{}" class="{}">{}{}</text>', _short(x), _short(y), kind, cut, tip)

    def mark(self, x: float, y: float, shape: str, kind: str, tip: str = "") -> None:
        """A point: `circle`, `diamond`, `square`, `triangle` or `cross`, so that colour is never alone in telling."""
        self._add('<path d="{}" class="mark {}">{}</path>', _SHAPES[shape](x, y), kind, _tip(tip))

    def render(self, name: str, title: str, description: str) -> Markup:
        """The whole `<svg>`; `name` makes its ids unique on the page."""
        opening = (
            '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc" xmlns="http://www.w3.org/2000/svg">'
            '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>'
        )
        head = Markup(opening).format(
            _short(self.width),
            _short(self.height),
            name,
            name,
            name,
            one_line(title),
            name,
            one_line(description, 2000),
        )
        return head + Markup("").join(self._parts) + Markup("</svg>")

    def _add(self, pattern: str, *values: str | Markup) -> None:
        self._parts.append(Markup(pattern).format(*values))


class Axis:
    """Values on `[low, high]` to places on `[start, end]`, through `turn` (identity or logarithm)."""

    __slots__ = ("_low", "_span", "_turn", "end", "start", "ticks")

    def __init__(
        self, low: float, high: float, start: float, end: float, ticks: list[float], turn: Callable[[float], float]
    ) -> None:
        self._turn = turn
        self._low = turn(low)
        self._span = (turn(high) - turn(low)) or 1.0
        self.start = start
        self.end = end
        self.ticks = [t for t in ticks if low <= t <= high]

    def at(self, value: float) -> float:
        """A value's place; values beyond the ends stay at the ends."""
        share = (self._turn(value) - self._low) / self._span
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def linear(values: list[float], start: float, end: float, *, ticks: int = 6) -> Axis:
    """An axis that holds all values (at least one), a little wider, with round ticks."""
    low, high = min(values), max(values)
    pad = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
    return Axis(low - pad, high + pad, start, end, _round_ticks(low - pad, high + pad, ticks), _same)


def logarithmic(values: list[float], start: float, end: float, *, ticks: int = 6) -> Axis:
    """The same for positive values; distances show ratios."""
    low, high = math.log(min(values)), math.log(max(values))
    pad = (high - low) * 0.08 or 0.06
    low, high = math.exp(max(low - pad, -_FARTHEST)), math.exp(min(high + pad, _FARTHEST))
    marks = _decade_ticks(low, high) if high / low > 4 else _round_ticks(low, high, ticks)
    return Axis(low, high, start, end, marks, math.log)


def _same(value: float) -> float:
    return value


def _round_ticks(low: float, high: float, wanted: int) -> list[float]:
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _decade_ticks(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    per_decade = (1, 2, 5) if len(exponents) <= 4 else (1,)
    every = math.ceil(len(exponents) / 8)
    return [m * 10.0**e for e in exponents[::every] for m in per_decade]


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _tip(words: str) -> Markup:
    return Markup("<title>{}</title>").format(one_line(words, 400)) if words else Markup()


def _polygon(*points: tuple[float, float]) -> str:
    return "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in points) + "Z"


_SHAPES: dict[str, Callable[[float, float], str]] = {
    "circle": lambda x, y: f"M{_short(x - 4.5)} {_short(y)}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z",
    "diamond": lambda x, y: _polygon((x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)),
    "square": lambda x, y: _polygon((x - 4.2, y - 4.2), (x + 4.2, y - 4.2), (x + 4.2, y + 4.2), (x - 4.2, y + 4.2)),
    "triangle": lambda x, y: _polygon((x, y - 5.5), (x + 5.2, y + 4), (x - 5.2, y + 4)),
    "cross": lambda x, y: f"M{_short(x - 4)} {_short(y - 4)}l8 8m0 -8l-8 8",
}
