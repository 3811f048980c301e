"""Take an artifact out of use; everything of it is kept and `harnessgym restore` brings it back."""

import argparse
from typing import Literal

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "move", "run"]

HELP = "take an artifact out of use"

EXAMPLES = """
  harnessgym archive asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    return move(arguments, output, "archive")


def move(arguments: argparse.Namespace, output: Output, way: Literal["archive", "restore"]) -> int:
    """Shared with `restore`."""
    from harnessgym_mcp.store.publish import Stores, archive, restore

    home, policy = options_of(arguments).open()
    stores = Stores.open(home, policy)
    change = archive if way == "archive" else restore
    artifact = change(stores, arguments.name).artifacts[arguments.name]
    body = {"name": artifact.name, "status": artifact.status, "notes": stores.notes}
    output.result(way, body, f"{artifact.name} is {artifact.status}")
    for note in stores.notes:
        output.say(f"  note: {note}")
    return 0
