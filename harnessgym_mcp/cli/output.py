"""What a command prints: text for people, one JSON object for programs, errors with their hint on stderr."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from harnessgym_mcp.core.text import clean, one_line
from harnessgym_mcp.errors import HarnessGymError

__all__ = ["Output"]


class Output:
    """One command's output. With `as_json`, stdout holds exactly one JSON object with a `schema` field."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def result(self, schema: str, body: dict[str, Any], text: str = "") -> None:
        """The command's result, in whichever form was asked for."""
        if self.as_json:
            print(json.dumps({"schema": f"harnessgym/{schema}/1"} | body, ensure_ascii=False, default=str))
        elif text and not self.quiet:
            print(clean_lines(text))

    def say(self, text: str) -> None:
        """Progress for a person; on stderr when stdout holds JSON."""
        if not self.quiet:
            print(clean_lines(text), file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def failure(self, error: HarnessGymError) -> None:
        if self.as_json:
            body = {"code": error.code, "message": error.message, "hint": error.hint}
            print(json.dumps({"schema": "harnessgym/error/1", "error": body}, ensure_ascii=False))
        print(f"harnessgym: {clean_lines(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"  hint: {clean_lines(error.hint)}", file=sys.stderr)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
        """Columns; with colour and lines on a terminal, plain off it."""
        cells = [[one_line(str(cell), 100) for cell in row] for row in rows]
        if sys.stdout.isatty() and not self.as_json:
            return _rich_table(header, cells)
        widths = [max(len(r[i]) for r in [list(header), *cells]) for i in range(len(header))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in [list(header), *cells]
        ]
        return "\n".join(lines)


def clean_lines(text: str) -> str:
    """Harmless text; line breaks kept, and the escapes of our own tables."""
    return text if text.startswith("\x1b") else "\n".join(clean(line) for line in text.split("\n"))


def _rich_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return "\x1b[0m" + capture.get().rstrip("\n")
