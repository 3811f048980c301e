"""Bring an archived artifact back into use."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "bring an archived artifact back"

EXAMPLES = """
  harnessgym restore asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.store.publish import Stores, restore

    home, policy = options_of(arguments).open()
    stores = Stores.open(home, policy)
    artifact = restore(stores, arguments.name).artifacts[arguments.name]
    body = {"name": artifact.name, "status": artifact.status, "notes": stores.notes}
    output.result("restore", body, f"{artifact.name} is {artifact.status}")
    for note in stores.notes:
        output.say(f"  note: {note}")
    return 0
