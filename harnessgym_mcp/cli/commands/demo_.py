"""See the whole loop in under a minute, offline: attempt, reflect, build, rejection, repair, a fresh session.

A script makes the choices that a model would make; the client, the server, the clean room and the record are real.
"""

import argparse
from pathlib import Path

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the whole loop, offline, in under a minute"

EXAMPLES = """
  harnessgym demo
  harnessgym demo --folder ./demo --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to play it (a new temporary folder, kept)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio
    import dataclasses

    from harnessgym_mcp.gym.demo import play

    settings = list(options_of(arguments).settings.items())
    flags = [f"{key}={value}" for key, value in settings]
    if not _confined():
        output.say("No sandbox works here (try the package bubblewrap): the demo runs its own tool unconfined.")
        flags.append("isolation.allow_unconfined=true")
    result = asyncio.run(play(arguments.folder, flags, lambda line: output.say(Prose(line))))
    gain = 1 - result.cost_with_tool / result.cost_by_hand
    text = f"""
Cost: by hand {result.cost_by_hand:.1f}, by tool {result.cost_with_tool:.1f} ({gain:.0%} less); {result.seconds:.1f} s.
Where to look, in {result.folder}/workspace/.harnessgym (it is kept):
  generated/plan-sweep     the tool, as published
  quarantine/plan-sweep    the rejected version and why
and: harnessgym stats --workspace {result.folder}/workspace --state {result.folder}/state"""
    output.result("demo", dataclasses.asdict(result), text)
    return 0


def _confined() -> bool:
    """Is there a sandbox that may promote artifacts? Probed in a throwaway state folder."""
    import tempfile

    from harnessgym_mcp.core.policy import Isolation
    from harnessgym_mcp.errors import IsolationError
    from harnessgym_mcp.proc.choose import choose_sandbox

    with tempfile.TemporaryDirectory(prefix="harnessgym-probe-") as folder:
        try:
            return choose_sandbox(Isolation(), Path(folder)).report.confined
        except IsolationError:
            return False
