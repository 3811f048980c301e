"""One trial of a planned comparison: the unit that every executor runs. One that has its outcome is not run again."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output

if TYPE_CHECKING:
    from harnessgym_mcp.core.outcomes import Outcome

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "one trial of a planned comparison"

EXAMPLES = """
  harnessgym trial list --out out
  harnessgym trial run kernel-plan-101.001.harnessed --out out
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("run", "list"), help="run one, or list them all")
    parser.add_argument("id", metavar="ID", nargs="?", default="", help="which one")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="where the comparison lies")
    parser.add_argument("--tries", type=int, default=0, metavar="N", help="how often it was started elsewhere")
    parser.add_argument("--attached", action="store_true", help="end when stdin does")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.errors import UsageError

    if arguments.action == "list":
        return _list(arguments, output)
    if not arguments.id:
        raise UsageError("which trial?", hint="`harnessgym trial list --out DIR` names them all")
    return _run(arguments, output)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    import msgspec

    from harnessgym_mcp.gym.compare_files import Files
    from harnessgym_mcp.gym.trial import run_trial

    work = run_trial(Files(arguments.out.absolute()), arguments.id, state=arguments.state, tries=arguments.tries)
    if arguments.attached:
        from harnessgym_mcp.gym.attached import while_attached

        work = while_attached(work)
    outcome = asyncio.run(work)
    output.result("trial", msgspec.to_builtins(outcome), _text(outcome))
    return 0


def _text(outcome: "Outcome") -> str:
    from harnessgym_mcp.core.outcomes import CAUSES

    score = "no score" if outcome.score is None else f"score {outcome.score:g}"
    why = CAUSES.get(outcome.cause, "")
    return "\n".join(filter(None, (f"{outcome.trial}: {score}", why, outcome.message)))


def _list(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.core.outcomes import CAUSES
    from harnessgym_mcp.core.trials import plan as trials_of
    from harnessgym_mcp.gym.compare_files import Files

    files = Files(arguments.out.absolute())
    plan = files.plan()
    outcomes = files.outcomes(plan)

    def row(id: str) -> tuple[str, str, str]:
        outcome = outcomes.get(id)
        score = "" if outcome is None or outcome.score is None else f"{outcome.score:g}"
        state = "waiting" if outcome is None else CAUSES.get(outcome.cause, "done")
        return id, state, score

    rows = [row(trial.id) for trial in trials_of(plan.design)]
    body = {"trials": [{"id": id, "state": state, "score": score} for id, state, score in rows]}
    output.result("trials", body, output.table(("trial", "state", "score"), rows))
    return 0
