"""Show a stored report again: on the terminal, as JSON, as one HTML file, or one of its charts as SVG.

Of a comparison's folder the outcomes are analysed anew, so that an unfinished one can be looked at as well.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output

if TYPE_CHECKING:
    from harnessgym_mcp.report.model import ReportModel

__all__ = ["EXAMPLES", "HELP", "configure", "run", "show_report"]

HELP = "show a stored comparison again"

EXAMPLES = """
  harnessgym report out
  harnessgym report out/report.json --html page.html
  harnessgym report out --svg pairs.svg --chart pairs
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a comparison's folder, or a report.json")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write one chart there")
    parser.add_argument("--chart", default="", metavar="NAME", help="which one (the first there is)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    model = _load(arguments.path)
    if arguments.html:
        from harnessgym_mcp.report.page import html

        _write(arguments.html, html(model))
    if arguments.svg:
        _write(arguments.svg, _chart(model, arguments.chart))
    show_report(model, output)
    return model.exit_code


def show_report(model: "ReportModel", output: Output) -> None:
    """In whichever form was asked for; the JSON is that of report.json."""
    import sys

    import msgspec

    from harnessgym_mcp.cli.output import is_terminal
    from harnessgym_mcp.report.terminal import plain_text, show

    if output.as_json or output.quiet or not is_terminal(sys.stdout):
        output.result("report", msgspec.to_builtins(model), plain_text(model).rstrip("\n"))
        return
    from rich.console import Console

    show(model, Console(highlight=False))


def _load(path: Path) -> "ReportModel":
    from harnessgym_mcp.errors import NotFoundError
    from harnessgym_mcp.gym.compare import report_of
    from harnessgym_mcp.gym.compare_files import Files
    from harnessgym_mcp.report.model import decode

    files = Files(path.absolute())
    if path.is_dir() and files.planned:
        return report_of(files, files.plan())
    file = path / "report.json" if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        hint = "PATH is the folder given to `compare --out`, or a report.json"
        raise NotFoundError(f"there is no report {str(file)!r}", hint=hint) from error
    return decode(data)


def _chart(model: "ReportModel", name: str) -> str:
    from harnessgym_mcp.errors import NotFoundError
    from harnessgym_mcp.report.charts import charts
    from harnessgym_mcp.report.page import standalone

    drawn = {chart.key: chart for chart in charts(model)}
    if (name and name not in drawn) or not drawn:
        raise NotFoundError(f"this report has no chart {name!r}", hint=f"it has {', '.join(drawn) or 'none'}")
    return standalone(drawn[name] if name else next(iter(drawn.values())))


def _write(path: Path, text: str) -> None:
    from harnessgym_mcp.store.atomic import write_atomic

    write_atomic(path.absolute(), text.encode())
