"""Judge an artifact folder in the clean room and print the verdict. Nothing is published or quarantined."""

import argparse

from harnessgym_mcp.cli.commands.judging import add_path, judged
from harnessgym_mcp.cli.output import Output, Prose

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the verdict on a folder, nothing else"

EXAMPLES = """
  harnessgym qualify ./my-tool
  harnessgym qualify ./my-tool --set isolation.tier=B
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_path(parser)


def run(arguments: argparse.Namespace, output: Output) -> int:
    import msgspec

    from harnessgym_mcp.cli.commands.verdict_text import describe
    from harnessgym_mcp.errors import EXIT_OK, EXIT_REJECTED

    verdict = judged(arguments, output, lambda who, path, tell: who.judge(path, on_stage=tell))
    output.result("verdict", msgspec.to_builtins(verdict), Prose(describe(verdict)))
    return EXIT_OK if verdict.qualified else EXIT_REJECTED
