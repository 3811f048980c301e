"""Judge artifacts anew on this machine: one, or all of generated/. What is rejected is unmounted; files are kept."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "judge artifacts anew on this machine"

EXAMPLES = """
  harnessgym requalify                         all of generated/, for example after a clone
  harnessgym requalify asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="one artifact; left out: all")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    from harnessgym_mcp.errors import EXIT_OK, EXIT_REJECTED, NotFoundError
    from harnessgym_mcp.qualify.submission import Submitter
    from harnessgym_mcp.store.publish import Stores

    home, policy = options_of(arguments).open()
    submitter = Submitter(Stores.open(home, policy), policy)
    folder = home.root / "generated"
    found = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    names = [arguments.name] if arguments.name else found
    if arguments.name and arguments.name not in found:
        raise NotFoundError(f"there is no generated/{arguments.name}", hint=f"there are: {', '.join(found) or 'none'}")

    async def judge_all() -> dict[str, str]:
        results = {}
        for name in names:
            output.say(f"judging {name} …")
            results[name] = await submitter.requalify(name, home.generated(name))
        return results

    results = asyncio.run(judge_all())
    rows = [(name, "rejected" if reason else "qualified", reason) for name, reason in results.items()]
    body = {"artifacts": [{"name": n, "status": s, "reason": r} for n, s, r in rows]}
    text = output.table(("artifact", "status", "reason"), rows) or "there is nothing in generated/ yet"
    output.result("requalify", body, text)
    return EXIT_REJECTED if any(results.values()) else EXIT_OK
