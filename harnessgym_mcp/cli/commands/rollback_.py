"""Make a former version of an artifact current again. It is live at once in every open session."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "back to a former version"

EXAMPLES = """
  harnessgym rollback asm-lens                 to the version before
  harnessgym rollback asm-lens 3fa9c1          to one that `show` lists
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("digest", metavar="DIGEST", nargs="?", default="", help="its first digits; else the one before")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.store.publish import Stores, rollback

    home, policy = options_of(arguments).open()
    stores = Stores.open(home, policy)
    artifact = rollback(stores, arguments.name, arguments.digest).artifacts[arguments.name]
    text = f"{artifact.name} is at {artifact.version.version} ({artifact.current[7:19]})"
    output.result("rollback", {"name": artifact.name, "digest": artifact.current, "notes": stores.notes}, text)
    for note in stores.notes:
        output.say(f"  note: {note}")
    return 0
