"""Judge an artifact folder in the clean room and print the verdict. Nothing is published or quarantined."""

import argparse
from pathlib import Path

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the verdict on a folder, nothing else"

EXAMPLES = """
  harnessgym qualify ./my-tool
  harnessgym qualify ./my-tool --set isolation.tier=B
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="the artifact's folder (plugin.json in it)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    import msgspec

    from harnessgym_mcp.cli.commands.verdict_text import describe
    from harnessgym_mcp.errors import EXIT_OK, EXIT_REJECTED, NotFoundError
    from harnessgym_mcp.qualify.submission import Submitter
    from harnessgym_mcp.store.publish import Stores

    if not arguments.path.is_dir():
        raise NotFoundError(f"there is no folder {str(arguments.path)!r}", hint="PATH is the folder with plugin.json")
    home, policy = options_of(arguments).open()
    submitter = Submitter(Stores.open(home, policy), policy)
    with output.busy(f"the clean room judges {arguments.path.name}") as tell:
        work = submitter.judge(arguments.path.resolve(), on_stage=lambda s: tell(f"{s.id} {s.status}"))
        verdict = asyncio.run(work)
    output.result("verdict", msgspec.to_builtins(verdict), Prose(describe(verdict)))
    return EXIT_OK if verdict.qualified else EXIT_REJECTED
