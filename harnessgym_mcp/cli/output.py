"""What a command prints: text for people, one JSON object for programs, errors with their hint on stderr.

On a terminal tables have lines and colours; off it, with TERM=dumb or a pipe behind, they are plain columns. NO_COLOR
is respected. What others wrote (names, descriptions, a server's words) is cleaned before it reaches a terminal.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from harnessgym_mcp.core.text import brief, clean
from harnessgym_mcp.errors import HarnessGymError

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType
    from rich.table import Table as RichTable

__all__ = ["Output", "Prose", "Table", "is_terminal", "rendered"]

_CELL = 100  # characters
_COMMAND = re.compile(r"`[^`]*`")
_HARD = "\u00a0"  # a space that no line ends at
_TONES = {
    **dict.fromkeys(("ok", "active", "qualified", "completed", "connected", "live", "passed"), "green"),
    **dict.fromkeys(("warn", "skipped", "archived", "cancelled", "starting", "cold"), "yellow"),
    **dict.fromkeys(("fail", "failed", "FAILED", "rejected", "quarantined", "crashed", "timeout", "broken"), "red"),
}


class Table(str):
    """Columns. As text it is plain; printed to a terminal by `Output.result` it gets lines and colours."""

    __slots__ = ("cells", "header")

    header: list[str]
    cells: list[list[str]]

    def __new__(cls, header: Sequence[str], rows: Sequence[Sequence[object]], most: int = _CELL) -> "Table":
        cells = [[brief(str(cell), most) for cell in row] for row in rows]
        table = super().__new__(cls, _columns([list(header), *cells]))
        table.header, table.cells = list(header), cells
        return table

    def rich(self) -> "RichTable":
        from rich.box import SIMPLE_HEAD
        from rich.table import Table as RichTable
        from rich.text import Text

        told = [i for i in range(len(self.header)) if any(row[i] for row in self.cells)]  # an empty column says nothing
        table = RichTable(*(self.header[i] for i in told), box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for row in self.cells:
            table.add_row(*(Text(row[i], style=_TONES.get(row[i], ""), overflow="fold") for i in told))
        return table


class Prose(str):
    """Sentences and lists: on a terminal their lines are folded between words. What a person would paste stays whole:
    `commands`, and lines with JSON in them."""

    __slots__ = ()

    def folded(self, width: int) -> str:
        """Lines of at most `width` characters, each continued below its own beginning."""
        import textwrap

        lines = []
        for line in self.split("\n"):
            if "{" in line:
                lines.append(line)
                continue
            indent = " " * (len(line) - len(line.lstrip()))
            fold = textwrap.TextWrapper(
                width,
                initial_indent=indent,
                subsequent_indent=indent + "  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            lines += fold.wrap(_COMMAND.sub(lambda found: found[0].replace(" ", _HARD), line.lstrip())) or [""]
        return "\n".join(lines).replace(_HARD, " ")


class Output:
    """One command's output. With `as_json`, stdout holds exactly one JSON object with a `schema` field."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def result(self, schema: str, body: dict[str, Any], *parts: str) -> None:
        """The command's result, in whichever form was asked for; `parts` are texts and tables, one below the other."""
        if self.as_json:
            print(_json(schema, body))
        elif not self.quiet:
            for number, part in enumerate(part for part in parts if part):
                self._show(part, gap=number > 0)

    def item(self, schema: str, body: dict[str, Any], text: str) -> None:
        """One of many results, as it comes: a line of text, or one JSON object in a line."""
        if self.as_json:
            print(_json(schema, body), flush=True)
        elif not self.quiet:
            print(_clean_lines(text), flush=True)

    def say(self, text: str) -> None:
        """Progress for a person; on stderr when stdout holds JSON."""
        if not self.quiet:
            print(_folded(text), file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def failure(self, error: HarnessGymError) -> None:
        if self.as_json:
            body = {"code": error.code, "message": error.message, "hint": error.hint}
            print(json.dumps({"schema": "harnessgym/error/1", "error": body}, ensure_ascii=False))
        self.complain(error)

    def complain(self, error: HarnessGymError) -> None:
        """The failure in words, on stderr."""
        label = "\x1b[1;31mharnessgym:\x1b[0m" if _is_colourful(sys.stderr) else "harnessgym:"
        print(f"{label} {_clean_lines(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"  hint: {_clean_lines(error.hint)}", file=sys.stderr)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]], most: int = _CELL) -> Table:
        """Columns with a header, cells cut to `most` characters; an empty text when there are no rows."""
        return Table(header, rows, most)

    @contextmanager
    def busy(self, text: str) -> Iterator[Callable[[str], None]]:
        """A sign of life while something takes long: on a terminal only, gone when it is done. Yields what tells of
        each step: there beside the sign, elsewhere as a line."""
        if self.quiet or self.as_json or not is_terminal(sys.stdout):
            yield lambda step: self.say(f"  {step}")
            return
        with _console().status(_escaped(text)) as status:
            yield lambda step: status.update(_escaped(f"{text}: {step}"))

    def _show(self, part: str, *, gap: bool) -> None:
        if gap:
            print()
        if isinstance(part, Table) and is_terminal(sys.stdout):
            _console().print(part.rich())
        else:
            print(_folded(part))


def _json(schema: str, body: dict[str, Any]) -> str:
    return json.dumps({"schema": f"harnessgym/{schema}/1"} | body, ensure_ascii=False, default=str)


def rendered(parts: Sequence[str]) -> "Group":
    """Texts and tables as one thing that rich can show, for a display that is redrawn."""
    from rich.console import Group
    from rich.text import Text

    shown: list[RenderableType] = []
    for part in filter(None, parts):
        shown += [part.rich() if isinstance(part, Table) else Text(_clean_lines(part)), Text("")]
    return Group(*shown[:-1])


def is_terminal(stream: IO[str]) -> bool:
    """Can the stream show more than plain text?"""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _is_colourful(stream: IO[str]) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(clean(text))


def _clean_lines(text: str) -> str:
    """Harmless text; line breaks kept."""
    return "\n".join(clean(line) for line in text.split("\n"))


def _folded(text: str) -> str:
    """Clean, and fit for the terminal if it is prose."""
    lines = _clean_lines(text)
    return Prose(lines).folded(_console().width) if isinstance(text, Prose) and is_terminal(sys.stdout) else lines


def _columns(rows: list[list[str]]) -> str:
    """Plain columns; nothing below a header gives nothing."""
    if len(rows) < 2:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
