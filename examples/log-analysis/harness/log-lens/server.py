"""log-lens: questions over all lines of logs of `key=value` parts, answered in one table."""

import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

from wire import Call, Tool, ToolError, arguments, rounded, serve

MOST_BYTES = 64 * 1024 * 1024
MOST_FILES = 500

ABOUT = """
    Group all lines of log files by one of their key=value parts and get a table: lines of each group, and at choice the
    share of lines with another part's value, or the sum, mean, median, p95, least and greatest of a number. Use it
    instead of reading the beginning of a log, counting by hand, or writing one more throwaway script. Incomplete lines
    are counted and left out.
    """
KEY = {"type": "string", "minLength": 1, "maxLength": 60}
SCHEMA = arguments(
    "by",
    by={**KEY, "description": "The part to group by: its key."},
    files={
        "type": "array",
        "minItems": 1,
        "maxItems": 50,
        "items": {"type": "string", "minLength": 1, "maxLength": 300},
        "description": "Files of the workspace, or patterns such as logs/*.log.",
    },
    text={"type": "string", "description": "The lines themselves, instead of files."},
    parts={
        "type": "integer",
        "minimum": 1,
        "maximum": 200,
        "description": "How many parts, separated by blanks, a complete line has; any number unless given.",
    },
    number={**KEY, "description": "The key of a number to describe for each group."},
    share_of={
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"type": "string", "maxLength": 200},
        "description": 'One key and value, such as {"status": "500"}: the share of each group\'s lines that have it.',
    },
    order={
        "type": "string",
        "enum": ["lines", "share", "sum", "mean", "p50", "p95", "max"],
        "description": "Which groups come first: those with the most of this. Default lines.",
    },
    top={"type": "integer", "minimum": 1, "maximum": 200, "description": "Groups shown; default 20."},
)


def tabulate(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `tabulate`."""
    order = given.get("order", "lines")
    if order == "share" and "share_of" not in given:
        raise ToolError("to order by share, say which with share_of")
    if order not in ("lines", "share") and "number" not in given:
        raise ToolError(f"to order by {order}, say of which number")
    lines = _lines(given)
    rows, left_out = _rows(call, lines, given)
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[given["by"]], []).append(row)
    table = [_group(name, group, given) for name, group in groups.items()]
    table.sort(key=lambda group: (-group[order], group["value"]))
    sizes = Counter(map(len, groups.values()))
    return {
        "lines": len(rows),
        "left_out": left_out,
        "distinct": len(groups),
        "repeated": len(groups) - sizes[1],
        "groups": table[: given.get("top", 20)],
    }


def _lines(given: dict[str, Any]) -> list[str]:
    if ("text" in given) == ("files" in given):
        raise ToolError("give either files or text")
    if "text" in given:
        return given["text"].splitlines()
    return [line for path in _found(given["files"]) for line in path.read_text("utf-8", "replace").splitlines()]


def _found(patterns: list[str]) -> list[Path]:
    """Regular files of the workspace, none of them twice."""
    root = Path(os.environ.get("HARNESSGYM_WORKSPACE", ".")).resolve()
    found: dict[Path, int] = {}
    for pattern in patterns:
        try:
            matches = [path.resolve() for path in root.glob(pattern)]
        except (ValueError, NotImplementedError, OSError) as error:
            raise ToolError(f"{pattern[:100]!r} is no pattern of files in the workspace: {error}") from None
        files = [path for path in matches if path.is_file() and path.is_relative_to(root)]
        if not files:
            raise ToolError(f"{pattern[:100]!r} matches no file of the workspace")
        found |= {path: path.stat().st_size for path in files}
    if len(found) > MOST_FILES or sum(found.values()) > MOST_BYTES:
        raise ToolError(f"these are more than {MOST_FILES} files or {MOST_BYTES} bytes; ask for fewer at once")
    return sorted(found)


def _rows(call: Call, lines: list[str], given: dict[str, Any]) -> tuple[list[dict[str, str]], int]:
    """The complete lines as key -> value, and how many lines were left out."""
    needed = {given["by"], *given.get("share_of", {}), *([given["number"]] if "number" in given else [])}
    rows = []
    for at, line in enumerate(lines):
        if at % 10_000 == 0:
            call.check()
        words = line.split()
        row = dict(word.split("=", 1) for word in words if "=" in word)
        if len(words) == given.get("parts", len(words)) and needed <= row.keys():
            rows.append(row)
    return rows, len(lines) - len(rows)


def _group(name: str, rows: list[dict[str, str]], given: dict[str, Any]) -> dict[str, Any]:
    group: dict[str, Any] = {"value": name, "lines": len(rows)}
    for key, value in given.get("share_of", {}).items():
        group["share"] = rounded(sum(row[key] == value for row in rows) / len(rows))
    if "number" in given:
        group |= _described(sorted(_number(row[given["number"]]) for row in rows))
    return group


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ToolError(f"{text[:60]!r} is not a finite number")
    return value


def _described(ordered: list[float]) -> dict[str, float]:
    """Percentiles by nearest rank."""
    total = math.fsum(ordered)

    def at(share: float) -> float:
        return ordered[math.ceil(share * len(ordered)) - 1]

    found = {"sum": total, "mean": total / len(ordered), "p50": at(0.5), "p95": at(0.95)}
    return {name: rounded(v, 12) for name, v in (found | {"min": ordered[0], "max": ordered[-1]}).items()}


if __name__ == "__main__":
    serve("log-lens", "1.0.0", [Tool("tabulate", ABOUT, SCHEMA, tabulate)])
