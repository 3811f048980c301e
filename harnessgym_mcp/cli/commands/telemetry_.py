"""The record of calls as a whole: write it out, take in other machines', let go of what is old."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.core.policy import Policy
    from harnessgym_mcp.store.home import Home

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "export, merge or thin out the record of calls"

EXAMPLES = """
  harnessgym telemetry export -o calls.jsonl
  harnessgym telemetry export --format parquet -o calls.parquet
  harnessgym telemetry merge ../laptop/calls.jsonl ../server/.harnessgym/telemetry.sqlite
  harnessgym telemetry retention --days 90          what would go
  harnessgym telemetry retention --days 90 --yes    let it go
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("do", choices=["export", "merge", "retention"], metavar="export|merge|retention")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="merge: what to take in")
    parser.add_argument("--format", choices=["jsonl", "parquet"], default="jsonl", help="export (jsonl)")
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="export: where to (else stdout)")
    parser.add_argument("--days", type=int, metavar="N", help="retention: keep so many (policy telemetry.keep_days)")
    parser.add_argument("--yes", action="store_true", help="retention: really delete")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.errors import UsageError

    if bool(arguments.files) != (arguments.do == "merge"):
        raise UsageError(
            "merge takes the files to merge, the others take none", hint="harnessgym telemetry merge FILE ..."
        )
    home, policy = options_of(arguments).open()
    return {"export": _export, "merge": _merge, "retention": _retention}[arguments.do](arguments, output, home, policy)


def _export(arguments: argparse.Namespace, output: Output, home: "Home", policy: "Policy") -> int:
    from harnessgym_mcp.errors import UsageError
    from harnessgym_mcp.ext.exports import export
    from harnessgym_mcp.store.atomic import state_error

    if arguments.output is None:
        if arguments.json or (arguments.format == "parquet" and sys.stdout.isatty()):
            raise UsageError("this needs a file to write to", hint="-o FILE")
        export(home, sys.stdout.buffer, arguments.format, policy.telemetry)
        return 0
    partial = arguments.output.with_name(f".{arguments.output.name}.partial")
    try:
        with partial.open("wb") as file:
            count = export(home, file, arguments.format, policy.telemetry)
        partial.replace(arguments.output)
    except OSError as error:
        raise state_error("write", arguments.output, error) from error
    finally:
        partial.unlink(missing_ok=True)
    body = {"path": str(arguments.output), "format": arguments.format, "calls": count}
    output.result("telemetry-export", body, f"{count} calls written to {arguments.output}")
    return 0


def _merge(arguments: argparse.Namespace, output: Output, home: "Home", policy: "Policy") -> int:
    import dataclasses

    from harnessgym_mcp.ext.exports import merge

    merged = merge(home, arguments.files, policy.telemetry)
    lines = [f"{m.path}: {m.added} new of {m.rows}" + (f", {m.refused} no calls" * bool(m.refused)) for m in merged]
    output.result("telemetry-merge", {"files": [dataclasses.asdict(m) for m in merged]}, "\n".join(lines))
    return 0


def _retention(arguments: argparse.Namespace, output: Output, home: "Home", policy: "Policy") -> int:
    import dataclasses

    from harnessgym_mcp.errors import UsageError
    from harnessgym_mcp.ext.exports import retain

    days = policy.telemetry.keep_days if arguments.days is None else arguments.days
    if days < 1:
        raise UsageError("retention keeps at least one day", hint="--days 90")
    found = retain(home, days, policy.telemetry, do=arguments.yes)
    told = "deleted" if found.done else "would go; --yes deletes them"
    text = (
        f"{found.old} of {found.total} calls are older than {days} days: {told}" if found.old else "nothing is that old"
    )
    output.result("telemetry-retention", dataclasses.asdict(found) | {"days": days}, text)
    return 0
