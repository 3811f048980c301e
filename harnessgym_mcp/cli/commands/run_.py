"""Let an agent attempt a task, score it independently, build the one missing tool, and try again with it.

Each iteration is a fresh session that knows nothing of the earlier ones: only the harness carries over. Exit code 0:
solved, or improved with --optimize; 13: neither. A run that was killed goes on with --resume ID.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.commands.agent_flags import add_agent, agent_spec
from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of, refuse_beside
from harnessgym_mcp.core.durations import parse_duration, parse_durations
from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from harnessgym_mcp.core.policy import Loop, Policy
    from harnessgym_mcp.gym.run import Runner
    from harnessgym_mcp.gym.run_settings import RunSettings
    from harnessgym_mcp.gym.run_world import Progress
    from harnessgym_mcp.gym.scoring import Scorer
    from harnessgym_mcp.store.home import Home

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "attempt, score, build the missing tool, again"

EXAMPLES = """
  harnessgym run --task TASK.md --agent claude --score-command 'python3 verify.py' --stop-score 100
  harnessgym run --task TASK.md --agent codex --iterations 4 --budget 1h,30m --optimize \\
      --score-command 'python3 bench.py' --score-key cycles --direction lower --held-out ../cases
  harnessgym run --resume 20260131T120000Z-1a2b3c4d
"""


def configure(parser: argparse.ArgumentParser) -> None:
    task = parser.add_argument_group("task")
    task.add_argument("--task", type=Path, metavar="FILE", help="what to do; looked for here, then in the workspace")
    task.add_argument("--task-text", metavar="TEXT", help="the same, as text")
    task.add_argument("--run-id", metavar="ID", help="(time and eight digits)")
    task.add_argument("--resume", metavar="ID", help="go on with a run that was interrupted")
    _add_loop(parser.add_argument_group("loop"))
    _add_score(parser.add_argument_group("score"))
    add_agent(parser)


def _add_loop(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--iterations", type=int, metavar="N", help="at most (3)")
    group.add_argument("--budget", metavar="TIME[,TIME...]", help="of an attempt (45m); a list: for each iteration")
    group.add_argument("--reflect-budget", metavar="TIME[,TIME...]", help="of a reflection (as --build-budget)")
    group.add_argument("--build-budget", metavar="TIME[,TIME...]", help="of a build, repairs included (20m)")
    group.add_argument("--budget-usd", type=float, metavar="X", help="claude: money for one turn")
    group.add_argument(
        "--task-state", choices=["continue", "reset"], default="continue", help="the workspace of a further attempt"
    )
    group.add_argument("--depth", choices=["standard", "deep"], default="standard", help="one tool, or a suite")
    group.add_argument("--build-after-solve", action="store_true", help="build once more when it is solved")


def _add_score(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--score-command", metavar="CMD", help="prints one JSON object; run after every attempt")
    group.add_argument("--score-key", default="score", metavar="KEY", help="where the score is in it (score)")
    group.add_argument("--score-budget", metavar="TIME", help="of the score command (2m)")
    group.add_argument("--held-out", type=Path, metavar="DIR", help="files laid over a copy that is scored instead")
    group.add_argument("--direction", choices=["higher", "lower"], default="higher", help="which score is better")
    group.add_argument(
        "--higher-is-better", action="store_const", const="higher", dest="direction", help="as --direction higher"
    )
    group.add_argument("--stop-score", type=float, metavar="X", help="this good is solved")
    group.add_argument("--optimize", action="store_true", help="measure the untouched workspace, keep the best state")
    group.add_argument("--no-restore-best", action="store_true", help="leave the last state, with --optimize too")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    import msgspec

    from harnessgym_mcp.cli.commands.run_text import describe, shown_progress

    home, policy = options_of(arguments).open()
    with shown_progress(home, policy.loop, output) as progress:
        runner = _runner(arguments, home, policy, progress)
        output.say(f"run {runner.id} in {runner.world.folder.path}")
        try:
            report = asyncio.run(runner.drive())
        except KeyboardInterrupt:
            output.say(f"interrupted; `harnessgym run --resume {runner.id}` goes on")
            raise
    body = msgspec.to_builtins(report)
    output.result("run", body, *describe(report, runner.world.folder.path, output))
    return report.exit_code


def _runner(arguments: argparse.Namespace, home: "Home", policy: "Policy", progress: "Progress") -> "Runner":
    from harnessgym_mcp.gym.run import new_run, resume_run
    from harnessgym_mcp.gym.run_folder import new_run_id

    if arguments.resume:
        refuse_beside(arguments, "resume", "set")
        return resume_run(home, policy, arguments.resume, progress=progress)
    settings = _settings(arguments, home, policy)
    return new_run(home, policy, arguments.run_id or new_run_id(), settings, progress=progress)


def _settings(arguments: argparse.Namespace, home: "Home", policy: "Policy") -> "RunSettings":
    from harnessgym_mcp.core.run_state import Rules
    from harnessgym_mcp.gym.run_settings import Budgets, RunSettings

    text, source = _task(arguments, home.workspace)
    scorer = _scorer(arguments, policy.loop)
    build = _times(arguments.build_budget, policy.loop.build)
    iterations = arguments.iterations
    rules = Rules(
        iterations=policy.loop.iterations if iterations is None else iterations,
        scored=scorer is not None,
        optimize=arguments.optimize,
        restore_best=not arguments.no_restore_best,
        build_after_solve=arguments.build_after_solve,
        stop_score=arguments.stop_score,
        direction=arguments.direction,
    )
    return RunSettings(
        task=text,
        task_source=source,
        agent=agent_spec(arguments),
        rules=rules,
        budgets=Budgets(
            attempt=_times(arguments.budget, policy.loop.attempt),
            reflect=parse_durations(arguments.reflect_budget) if arguments.reflect_budget else build,
            build=build,
        ),
        scorer=scorer,
        task_state=arguments.task_state,
        depth=arguments.depth,
        model=arguments.model,
        budget_usd=arguments.budget_usd,
        keep_env=arguments.keep_env,
        flags=_flags(arguments, home),
    )


def _task(arguments: argparse.Namespace, workspace: Path) -> tuple[str, str]:
    from harnessgym_mcp.gym.run_settings import read_task

    if (arguments.task is None) == (arguments.task_text is None):
        raise UsageError("a run needs one task", hint="--task FILE or --task-text TEXT")
    if arguments.task is None:
        return arguments.task_text, ""
    text, found = read_task(arguments.task, workspace)
    return text, str(found)


def _scorer(arguments: argparse.Namespace, rules: "Loop") -> "Scorer | None":
    from harnessgym_mcp.gym.scoring import Scorer

    if arguments.score_command is None:
        if arguments.held_out:
            raise UsageError("held-out files need a score command", hint="--score-command CMD")
        return None
    return Scorer(
        command=arguments.score_command,
        seconds=parse_duration(arguments.score_budget) if arguments.score_budget else rules.score,
        key=arguments.score_key,
        held_out=str(arguments.held_out.resolve()) if arguments.held_out else "",
    )


def _times(text: str | None, usual: float) -> list[float]:
    return parse_durations(text) if text else [usual]


def _flags(arguments: argparse.Namespace, home: "Home") -> dict[str, str]:
    """What the servers within the run have to be told: flags, and variables, which agents do not hand on."""
    import os

    from harnessgym_mcp.store.config import load_policy, variable

    flags = dict(options_of(arguments).settings)
    _, origins = load_policy(home, flags, os.environ)
    stated = {key: os.environ[variable(key)] for key, origin in origins.items() if origin.startswith("env ")}
    return stated | flags
