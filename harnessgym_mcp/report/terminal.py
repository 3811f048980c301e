"""The report on a terminal: with rich where a person looks, as plain lines where a program reads."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.tables import Table, tables

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["plain_text", "show"]

_NAME, _FEW = 12, 7  # a first column is kept on one line if it is so short, or beside so few others
_HIDDEN = ("design",)  # in report.json and on the page
_STYLES = {"better": "bold green", "worse": "bold red", "no evidence": "bold", "underpowered": "bold yellow"}
_TONES = {"breaks": "red", "weakens": "yellow", "note": "dim"}


def plain_text(model: ReportModel) -> str:
    """The whole report as text of aligned columns, without colour or control characters."""
    return "\n".join(_lines(model)) + "\n"


def show(model: ReportModel, console: "Console") -> None:
    """Prints the report with rich. No text of the model is read as markup."""
    from rich.text import Text

    word = model.comparison.judgement.word
    console.print(Text(one_line(model.title), style="bold"))
    console.print(Text(one_line(model.verdict), style=_STYLES[word]))
    console.print(Text(one_line(model.finding, 600)))
    console.print(Text(one_line(model.comparison.judgement.reason, 600), style="dim"))
    for caution in model.comparison.cautions:
        console.print(Text(f"{caution.severity}: {one_line(caution.what, 600)}", style=_TONES[caution.severity]))
    for table in _shown(model):
        console.print()
        _print(table, console)


def _print(table: Table, console: "Console") -> None:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    console.print(Text(table.title, style="bold"))
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    longest = max(len(row[0]) for row in table.rows)
    whole = longest <= _NAME or len(table.columns) <= _FEW
    for i, name in enumerate(table.columns):  # nothing is left out: what is long goes on below
        justify: Literal["left", "right"] = "right" if i in table.numeric else "left"
        grid.add_column(Text(name), justify=justify, overflow="fold", no_wrap=whole and i == 0)
    for row in table.rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def _lines(model: ReportModel) -> Iterator[str]:
    yield one_line(model.title)
    yield f"verdict: {one_line(model.verdict)}"
    yield one_line(model.finding, 600)
    yield f"why: {one_line(model.comparison.judgement.reason, 600)}"
    for caution in model.comparison.cautions:
        yield f"{caution.severity}: {one_line(caution.what, 600)}"
    for table in _shown(model):
        yield ""
        yield table.title
        yield from _aligned(table)
    if model.command:
        yield ""
        yield f"run it again: {one_line(model.command, 2000)}"


def _shown(model: ReportModel) -> list[Table]:
    return [t for key, t in tables(model).items() if key not in _HIDDEN]


def _aligned(table: Table) -> Iterator[str]:
    widths = [max(len(row[i]) for row in (table.columns, *table.rows)) for i in range(len(table.columns))]
    for row in (table.columns, *table.rows):
        cells = [
            c.rjust(w) if i in table.numeric else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()
