"""Submit an artifact folder: qualify it in the clean room and, if it qualifies, publish it at once.

A person's submission needs no build slot. Rejected: exit code 10, the findings, and the evidence in quarantine/.
"""

import argparse
from pathlib import Path

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "qualify a folder and publish it"

EXAMPLES = """
  harnessgym submit .harnessgym/drafts/asm-lens
  harnessgym submit ./my-tool --json | jq '.findings[] | {id, what, fix}'
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
        work = submitter.submit(arguments.path.resolve(), iteration=None, on_stage=lambda s: tell(f"{s.id} {s.status}"))
        submission = asyncio.run(work)
    verdict = submission.verdict
    text = describe(verdict)
    if verdict.qualified and not submission.notes:
        text += "\n\n  live now in every open session: " + ", ".join(
            f"{verdict.name}__{t['name']}" for t in verdict.tools
        )
    elif submission.evidence:
        text += f"\n\n  evidence: {submission.evidence}"
    text += "".join(f"\n\n  note: {note}" for note in submission.notes)
    if submission.history:
        times = len(submission.history)
        text += f"\n\n  rejected {times} times before under this name: `harnessgym show {submission.name}`"
    body = msgspec.to_builtins(verdict) | {"schema": "harnessgym/verdict/1", "evidence": submission.evidence}
    body |= {"notes": submission.notes, "former_rejections": [msgspec.to_builtins(q) for q in submission.history]}
    output.result("submit", body, Prose(text))
    return EXIT_OK if verdict.qualified else EXIT_REJECTED
