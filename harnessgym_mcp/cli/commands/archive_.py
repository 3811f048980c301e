"""Take an artifact out of use; everything of it is kept and `harnessgym restore` brings it back."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "take an artifact out of use"

EXAMPLES = """
  harnessgym archive asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.store.publish import Stores, archive

    home, policy = options_of(arguments).open()
    stores = Stores.open(home, policy)
    artifact = archive(stores, arguments.name).artifacts[arguments.name]
    body = {"name": artifact.name, "status": artifact.status, "notes": stores.notes}
    output.result("archive", body, f"{artifact.name} is {artifact.status}")
    for note in stores.notes:
        output.say(f"  note: {note}")
    return 0
