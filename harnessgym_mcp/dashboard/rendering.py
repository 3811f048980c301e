"""Pages from templates. Everything is escaped; what comes from artifacts is cleaned, or spelled out, before."""

import time
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harnessgym_mcp.core.text import brief, clean, cut, visible
from harnessgym_mcp.report.words import capital, number, percent

__all__ = ["ago", "asset", "clock", "milliseconds", "render", "short", "style"]

_AGES = ((90, 1, "s"), (5400, 60, "min"), (48 * 3600, 3600, "h"), (float("inf"), 86400, "d"))


def ago(at: float | None, now: float | None = None) -> str:
    """`12 s ago`; a dash for never."""
    if not at:
        return "–"
    seconds = max((time.time() if now is None else now) - at, 0.0)
    unit, name = next((unit, name) for most, unit, name in _AGES if seconds < most)
    return f"{seconds / unit:.0f} {name} ago"


def clock(at: float | None) -> str:
    """A time of this machine, to the second; a dash for none, or for one that no calendar holds."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else "–"
    except (ValueError, OverflowError, OSError):
        return "–"


def milliseconds(value: float | None) -> str:
    """`0.42 ms`, `312 ms`, `12.3 s`."""
    if value is None:
        return "–"
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"


def short(digest: str) -> str:
    """The first twelve digits of a digest."""
    return digest.removeprefix("sha256:")[:12]


def render(template: str, **values: Any) -> str:
    """One page. Raises jinja2.TemplateError only for mistakes of ours."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harnessgym_mcp.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "ago": ago, "clock": clock, "ms": milliseconds, "short": short, "number": number, "percent": percent,
        "line": brief, "spelled": _spelled, "capital": capital,
    }  # fmt: skip
    environment.filters.update(filters)
    return environment


def _cleaned(value: object) -> object:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _spelled(text: str, most: int = 4000) -> str:
    """Hostile text as evidence: what cannot be seen is spelled out."""
    return visible(cut(text, most))


@cache
def style() -> str:
    """The one style sheet: the charts' own, as in reports, and the pages'."""
    charts = files("harnessgym_mcp.report").joinpath("page.css").read_text("utf-8")
    return charts + asset("style.css")


@cache
def asset(name: str) -> str:
    """A file of `static/`."""
    return files(__package__).joinpath("static", name).read_text("utf-8")
