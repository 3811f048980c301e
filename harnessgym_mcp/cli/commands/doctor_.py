"""Is everything in order here? Python, home, registry, telemetry, sandbox, clients, and a sample server end to end.

Nothing of yours is changed, and nothing hangs: each check has a deadline. Exit code 0 when nothing has failed, else 4.
"""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.server.doctor_finding import Finding
    from harnessgym_mcp.server.options import Options

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "is everything in order here, and what to do if not"

EXAMPLES = """
  harnessgym doctor
  harnessgym doctor --only isolation --only sample
  harnessgym doctor --fix                      also end what crashed sessions have left behind
  harnessgym doctor --json | jq '.checks[] | select(.status != "ok")'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="this check alone; repeatable")
    parser.add_argument("--fix", action="store_true", help="end processes and remove folders of crashed sessions")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    import msgspec

    from harnessgym_mcp.errors import EXIT_OK, StateError
    from harnessgym_mcp.server.doctor import worst

    options = options_of(arguments)
    if arguments.fix:
        _fix(options, output)
    with output.busy("looking"):
        findings = asyncio.run(_examine(options, arguments.only))
    status = worst(list(findings.values()))
    body = {
        "status": status,
        "checks": [{"id": id, **msgspec.to_builtins(finding)} for id, finding in findings.items()],
    }
    rows = [(id, f.status, f.what) for id, f in findings.items()]
    remedies = [f"{id}: {f.remedy}" for id, f in findings.items() if f.remedy and f.status in ("warn", "fail")]
    verdict = {"ok": "all is well", "warn": "it works; see what is worth a look", "fail": "something is wrong"}[status]
    output.result("doctor", body, output.table(("check", "status", "what"), rows, 500), *_advice(remedies), verdict)
    return StateError.exit_code if status == "fail" else EXIT_OK


def _advice(remedies: list[str]) -> list[str]:
    lines = [f"  {line}" for text in remedies for line in text.splitlines()]
    return [Prose("\n".join(["what to do:", *lines]))] if lines else []


async def _examine(options: "Options", only: list[str]) -> "dict[str, Finding]":
    import os

    from harnessgym_mcp.server.doctor import examine

    return {id: finding async for id, finding in examine(options, os.environ, only)}


def _fix(options: "Options", output: Output) -> None:
    from harnessgym_mcp.proc.orphans import sweep_orphans

    home, policy = options.open(create=False)
    output.say(f"ended {sweep_orphans(home.state, policy.lifecycle.prune_age)} processes of crashed sessions")
