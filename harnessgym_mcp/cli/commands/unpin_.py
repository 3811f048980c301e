"""Let an artifact be upgraded again by what qualifies under its name."""

import argparse

from harnessgym_mcp.cli.commands.pin_ import set_pin
from harnessgym_mcp.cli.output import Output

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "let an artifact be upgraded again"

EXAMPLES = """
  harnessgym unpin asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    return set_pin(arguments, output, pinned=False)
