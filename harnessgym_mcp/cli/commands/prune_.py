"""List what is no longer needed, and remove it with --yes: left-over trees, evidence of what was repaired since, unused
environments.

What has qualified goes only when it is named: NAME of an artifact (its oldest versions; all of it if it is archived),
or the first digits of a digest that the list shows.
"""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.qualify.pruning import Item

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "what is no longer needed, and remove it"

EXAMPLES = """
  harnessgym prune --dry-run
  harnessgym prune --yes
  harnessgym prune asm-lens --yes
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="an artifact, or the first digits of a digest")
    parser.add_argument("--dry-run", action="store_true", help="only list; so it is without --yes")
    parser.add_argument("--yes", action="store_true", help="remove what is listed")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import msgspec

    from harnessgym_mcp.qualify.pruning import plan, prune
    from harnessgym_mcp.store.publish import Stores

    home, policy = options_of(arguments).open()
    stores = Stores.open(home, policy)
    items = plan(stores, policy, arguments.names)
    remove = arguments.yes and not arguments.dry_run
    problems = prune(stores, policy, items) if remove else []
    going = [i for i in items if i.chosen]
    body = {"removed": remove, "bytes": sum(i.bytes for i in going), "problems": problems}
    body["items"] = [msgspec.to_builtins(item) for item in items]
    table = output.table(("kind", "artifact", "digest", "KiB", "goes", "why"), [_row(item) for item in items])
    output.result("prune", body, table or "nothing to prune", _summary(going, remove, arguments.yes, items))
    for problem in problems:
        output.say(f"  not removed: {problem}")
    return 1 if problems else 0


def _row(item: "Item") -> tuple[object, ...]:
    goes = "yes" if item.chosen else f"if named: {item.name if item.kind == 'version' else item.digest[7:19]}"
    return (item.kind, item.name, item.digest[7:19], (item.bytes + 1023) // 1024, goes, item.why)


def _summary(going: "list[Item]", removed: bool, yes: bool, items: "list[Item]") -> str:
    size = sum(i.bytes for i in going) / 1024
    if not items:
        return ""
    if removed:
        return f"removed {len(going)} things, {size:.0f} KiB"
    hint = "" if yes else "; --yes removes them"
    return f"{len(going)} things, {size:.0f} KiB, would go{hint}" if going else "nothing goes unless it is named"
