"""The page: one self-contained HTML file, without scripts and without the network."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from harnessgym_mcp.core.text import clean
from harnessgym_mcp.core.trials import ARMS, Arm
from harnessgym_mcp.report.charts import charts
from harnessgym_mcp.report.drawing import MARKS, Chart
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.svg import Canvas
from harnessgym_mcp.report.tables import Table, tables
from harnessgym_mcp.report.words import ARM_NAMES

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["SEVERITIES", "SIGNS", "Section", "html", "legend", "sections", "standalone"]

SIGNS = {"better": ("good", "▲"), "worse": ("bad", "▼"), "no evidence": ("even", "●"), "underpowered": ("even", "◐")}
SEVERITIES = {"breaks": "breaks the claim", "weakens": "weakens the claim", "note": "note"}

_SECTIONS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Effect", ("effects",), ("contrasts", "tasks")),
    ("Solved", ("rates",), ("rates",)),
    ("Scores", ("pairs", "strips"), ("scores",)),
    ("Time to the threshold", ("curves",), ("curves",)),
    ("Tools", ("tools",), ("tools", "use")),
    ("Cost", ("cost",), ("cost", "break_even")),
    ("Leakage audit", (), ("leaks",)),
    ("Trials", (), ("arms", "trials")),
    ("Design", (), ("design",)),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: charts, then the tables with their numbers."""

    title: str
    charts: list[Chart]
    tables: list[Table]
    note: str = ""


def html(model: ReportModel) -> str:
    """The whole page. All text of the model is escaped; nothing in it is trusted."""
    word = model.comparison.judgement.word
    kind, sign = SIGNS[word]
    return _template().render(
        model=model,
        word=word,
        kind=kind,
        sign=sign,
        sections=sections(model),
        severities=SEVERITIES,
        arm_names=ARM_NAMES,
        arm_meanings=ARMS,
        legend=legend,
        when=datetime.fromtimestamp(model.generated_at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        style=_style(),
    )


def standalone(chart: Chart) -> str:
    """One chart as an SVG file that carries its own style, light and dark."""
    style = Markup("<style>{}</style>").format(_style())
    return str(chart.svg).replace("<title", f"{style}<title", 1)


def sections(model: ReportModel) -> list[Section]:
    """The report's parts in reading order; those without anything to show are left out."""
    drawn = {c.key: c for c in charts(model)}
    made = tables(model)
    sections = [
        Section(
            title, [drawn[k] for k in pictures if k in drawn], [made[k] for k in keys if k in made], _note(model, title)
        )
        for title, pictures, keys in _SECTIONS
    ]
    return [s for s in sections if s.charts or s.tables or s.note]


def _note(model: ReportModel, title: str) -> str:
    if title != "Leakage audit" or model.comparison.leaks:
        return ""
    if not model.comparison.audited:
        return "The bundle was not searched for leaked answers."
    return (
        "The bundle was searched for winning answers, final cases, task names and fixtures that score: nothing found."
    )


def legend(arm: Arm) -> Markup:
    """An arm's mark, as a legend shows it."""
    canvas = Canvas(16, 16)
    canvas.mark(8, 8, MARKS[arm], f"arm-{arm}")
    return canvas.render(f"key-{arm}", ARM_NAMES[arm], ARMS[arm])


@cache
def _template() -> "Template":
    from jinja2 import Environment  # 60 ms: only a page needs it

    environment = Environment(autoescape=True, finalize=_cleaned, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files(__package__).joinpath("page.html.j2").read_text("utf-8"))


def _cleaned(value: object) -> object:
    """What is put on the page: text without control and hidden characters (autoescape then makes it harmless)."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> Markup:
    return Markup(files(__package__).joinpath("page.css").read_text("utf-8"))  # ours: the one text that is trusted
