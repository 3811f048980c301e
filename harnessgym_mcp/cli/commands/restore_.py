"""Bring an archived artifact back into use."""

import argparse

from harnessgym_mcp.cli.commands.archive_ import move
from harnessgym_mcp.cli.output import Output

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "bring an archived artifact back"

EXAMPLES = """
  harnessgym restore asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    return move(arguments, output, "restore")
