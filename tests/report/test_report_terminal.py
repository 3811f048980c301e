"""The terminal's faces say what the page says."""

import io

from rich.console import Console

from harnessgym_mcp.report.model import ReportModel
from harnessgym_mcp.report.tables import tables
from harnessgym_mcp.report.terminal import plain_text, show


def test_the_plain_text_holds_the_verdict_the_cautions_and_every_table_but_the_design(model: ReportModel) -> None:
    text = plain_text(model)
    assert f"verdict: {model.verdict}\n" in text
    assert all(c.what[:100] in text for c in model.comparison.cautions)
    for key, table in tables(model).items():
        assert (f"\n{table.title}\n" in text) is (key != "design")


def test_plain_text_has_no_colour_no_control_characters_and_no_trailing_space(model: ReportModel) -> None:
    text = plain_text(model)
    assert all(c == "\n" or c.isprintable() for c in text)
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_rich_shows_every_table_at_any_width(model: ReportModel) -> None:
    for width in (40, 120):
        out = io.StringIO()
        show(model, Console(file=out, width=width, color_system=None))
        assert model.comparison.judgement.word in out.getvalue()


def test_nothing_is_left_out_of_a_narrow_table(model: ReportModel) -> None:
    out = io.StringIO()
    show(model, Console(file=out, width=80, color_system=None))
    assert "…" not in out.getvalue()
    for trial in model.comparison.trials:
        assert trial.trial in out.getvalue()


def test_hostile_text_neither_colours_nor_breaks_the_terminal(hostile: ReportModel) -> None:
    out = io.StringIO()
    show(hostile, Console(file=out, width=4000, force_terminal=True, color_system=None))
    for text in (plain_text(hostile), out.getvalue()):
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
        assert text.count("[bold]") > 10
