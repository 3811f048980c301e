"""Submit an artifact folder: qualify it in the clean room and, if it qualifies, publish it at once.

A person's submission needs no build slot. Rejected: exit code 10, the findings, and the evidence in quarantine/.
"""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.commands.judging import add_path, judged
from harnessgym_mcp.cli.output import Output, Prose

if TYPE_CHECKING:
    from harnessgym_mcp.qualify.submission import Submission

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "qualify a folder and publish it"

EXAMPLES = """
  harnessgym submit .harnessgym/drafts/asm-lens
  harnessgym submit ./my-tool --json | jq '.findings[] | {id, what, fix}'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_path(parser)


def run(arguments: argparse.Namespace, output: Output) -> int:
    import msgspec

    from harnessgym_mcp.cli.commands.verdict_text import describe
    from harnessgym_mcp.errors import EXIT_OK, EXIT_REJECTED

    submission = judged(arguments, output, lambda who, path, tell: who.submit(path, iteration=None, on_stage=tell))
    verdict = submission.verdict
    body = msgspec.to_builtins(verdict) | {"schema": "harnessgym/verdict/1", "evidence": submission.evidence}
    body |= {"notes": submission.notes, "former_rejections": [msgspec.to_builtins(q) for q in submission.history]}
    output.result("submit", body, Prose("\n\n  ".join([describe(verdict), *_outcome(submission)])))
    return EXIT_OK if verdict.qualified else EXIT_REJECTED


def _outcome(submission: "Submission") -> Iterator[str]:
    """What has become of the artifact, and what is to be known beside it."""
    verdict = submission.verdict
    if verdict.qualified and not submission.notes:
        tools = (f"{verdict.name}__{tool['name']}" for tool in verdict.tools)
        yield f"live now in every open session: {', '.join(tools)}"
    elif submission.evidence:
        yield f"evidence: {submission.evidence}"
    yield from (f"note: {note}" for note in submission.notes)
    if submission.history:
        times = len(submission.history)
        yield f"rejected {times} times before under this name: `harnessgym show {submission.name}`"
