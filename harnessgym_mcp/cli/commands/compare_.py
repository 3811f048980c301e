"""Does this harness make this agent better at these tasks? Paired trials, a plan fixed before, exact tests.

The words of the answer, and what they rest on, are in docs/statistics.md; tasks and arms in docs/compare.md.
Exit code: 0 better, 11 worse, 12 no evidence or underpowered.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.cli.commands.agent_flags import add_agent, agent_spec
from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of, refuse_beside

if TYPE_CHECKING:
    from harnessgym_mcp.core.outcomes import Outcome
    from harnessgym_mcp.core.policy import Policy
    from harnessgym_mcp.gym.compare import Request
    from harnessgym_mcp.gym.compare_files import Files
    from harnessgym_mcp.gym.compare_plan import Plan
    from harnessgym_mcp.gym.compare_tasks import GivenTask
    from harnessgym_mcp.gym.executors import Executor
    from harnessgym_mcp.report.model import ReportModel
    from harnessgym_mcp.server.options import Options

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

_PLACE = ("executor", "parallel", "address", "cpus", "gpus")

HELP = "does the harness help? paired trials, exact tests"

EXAMPLES = """
  harnessgym compare --task examples/kernel-plan --artifacts examples/kernel-plan/harness \\
      --agent-script examples/kernel-plan/agent.py --trials 2 --out out
  harnessgym compare --task TASK.md --workspace-template ./start --held-out ./final \\
      --score-command 'python3 verify.py' --artifacts .harnessgym --agent claude --budget 15m --out out --plan-only
  harnessgym compare --resume --out out
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="where the comparison lies")
    parser.add_argument("--resume", action="store_true", help="go on with the one that lies there")
    parser.add_argument("--plan-only", action="store_true", help="store and show the plan; run no trial")
    parser.add_argument("--title", default="", help="of the report")
    _add_tasks(parser.add_argument_group("tasks"))
    _add_design(parser.add_argument_group("design"))
    add_agent(parser)
    _add_executor(parser.add_argument_group("where trials run"))


def _add_tasks(group: Any) -> None:
    add = group.add_argument
    add("--task", type=Path, nargs="+", action="extend", default=[], metavar="FILE", help="texts, tasks, families")
    add("--task-text", default="", metavar="TEXT", help="a task that is nothing but its words")
    add("--seeds", default="", metavar="N,N", help="of a family's tasks (else its test seeds)")
    add("--workspace-template", type=Path, metavar="DIR", help="what every trial starts from a copy of")
    add("--held-out", type=Path, metavar="DIR", help="files no agent sees, laid over the copy that is scored")
    add("--score-command", default="", metavar="CMD", help="for the shell; prints one JSON object")
    add("--score-key", default="score", metavar="KEY", help="the score in it (score)")
    add("--score-timeout", default="", metavar="TIME", help="of the score command")
    add("--artifacts", type=Path, metavar="HOME", help="the harness: a home, a workspace, or a folder of artifacts")


def _add_design(group: Any) -> None:
    add = group.add_argument
    add("--arms", default="plain,harnessed", metavar="A,B", help="of plain, harnessed, notes, aa (plain,harnessed)")
    add("--trials", type=int, metavar="N", help="of each task in each arm")
    add("--direction", choices=("higher", "lower"), help="which scores are better (higher)")
    add("--scale", choices=("ratio", "difference", "pass"), help="what effects are measured in (ratio)")
    add("--threshold", type=float, metavar="X", help="the score that counts as solved")
    add("--failure", choices=("worst", "baseline"), help="what a failed attempt counts as (worst)")
    add("--alpha", type=float, metavar="P", help="the error allowed")
    add("--power", type=float, metavar="P", help="the power wanted")
    add("--effect", type=float, metavar="X", help="the smallest effect worth having (0.05: 5 %%)")
    add("--seed", type=int, default=0, metavar="N", help="of the plan and of scripts (0)")
    add("--budget", default="", metavar="TIME", help="one attempt's time, in every arm (5m)")
    add("--budget-usd", type=float, metavar="X", help="and money, where the agent keeps to it")
    add("--retries", type=int, metavar="N", help="of a trial that infrastructure failed")
    add("--unpaired", action="store_true", help="compare groups (one task only)")
    flag = argparse.BooleanOptionalAction
    add("--require-active-harness", action=flag, default=True, help="without a tool offered a trial fails")
    add("--require-tool-use", action=flag, default=False, help="without a successful tool call a trial fails")


def _add_executor(group: Any) -> None:
    add = group.add_argument
    add("--executor", choices=("local", "ray"), default="local", help="this machine, or a Ray cluster")
    add("--parallel", type=int, metavar="N", help="trials at once")
    add("--address", default="", help="ray: of the cluster (else a local one)")
    add("--cpus", type=float, default=1.0, metavar="N", help="ray: for one trial (1)")
    add("--gpus", type=float, default=0.0, metavar="N", help="ray: for one trial (0)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    from harnessgym_mcp.gym.compare_files import Files

    files = Files(arguments.out.absolute())
    options = options_of(arguments)
    with output.busy("preparing tasks, workspaces and bundle"):
        plan = asyncio.run(_planned(arguments, options, files, output))
    if arguments.plan_only:
        from harnessgym_mcp.cli.commands.compare_text import show_plan

        return show_plan(plan, output)
    with output.busy("trials are under way; Control-C stops, --resume goes on"):
        model = asyncio.run(_carried_out(arguments, options, files, plan, output))
    _show(model, files, output)
    return model.exit_code


async def _planned(arguments: argparse.Namespace, options: "Options", files: "Files", output: Output) -> "Plan":
    import tempfile

    from harnessgym_mcp.gym.compare import prepare

    if arguments.resume:
        refuse_beside(arguments, "resume", "out", "plan_only", *_PLACE)
        return files.plan()
    with tempfile.TemporaryDirectory(prefix="harnessgym-tasks-") as scratch:
        request = _request(arguments, options, _tasks(arguments, Path(scratch)))
        return await prepare(request, files, output.say)


async def _carried_out(
    arguments: argparse.Namespace, options: "Options", files: "Files", plan: "Plan", output: Output
) -> "ReportModel":
    import asyncio

    from harnessgym_mcp.cli.commands.compare_text import outcome_line
    from harnessgym_mcp.core.trials import plan as trials_of
    from harnessgym_mcp.gym.compare import carry_out

    total, ended = len(trials_of(plan.design)), set(files.outcomes(plan))
    output.say(f"{plan.title}: {total} trials, {len(ended)} done")

    def tell(outcome: "Outcome") -> None:
        ended.add(outcome.trial)
        output.say(f"  {len(ended)}/{total}  {outcome_line(outcome)}")

    try:
        with _executor(arguments, options, files, plan) as executor:
            return await carry_out(files, plan, executor, tell)
    except asyncio.CancelledError:
        output.say(f"stopped; `harnessgym compare --resume --out {files.out}` goes on")
        raise


def _executor(arguments: argparse.Namespace, options: "Options", files: "Files", plan: "Plan") -> Any:
    """A context with the executor in it."""
    from contextlib import nullcontext

    from harnessgym_mcp.gym.executors import LocalExecutor, longest
    from harnessgym_mcp.gym.trial_parts import policy_of

    policy = policy_of(plan)
    if arguments.executor == "ray":
        from harnessgym_mcp.ext.ray_executor import RayExecutor

        return RayExecutor(
            files, plan, address=arguments.address, cpus=arguments.cpus, gpus=arguments.gpus, most=arguments.parallel
        )
    executor: Executor = LocalExecutor(files, policy, longest(plan), options.state, arguments.parallel)
    return nullcontext(executor)


def _request(arguments: argparse.Namespace, options: "Options", tasks: "list[GivenTask]") -> "Request":
    import sys

    from harnessgym_mcp.core.durations import parse_duration
    from harnessgym_mcp.core.trials import Budget
    from harnessgym_mcp.gym.compare import Request

    policy = _policy(options)
    seconds = parse_duration(arguments.budget) if arguments.budget else policy.compare.attempt
    return Request(
        tasks=tasks,
        arms=[arm.strip() for arm in arguments.arms.split(",") if arm.strip()],
        agent=agent_spec(arguments),
        budget=Budget(seconds=seconds, dollars=arguments.budget_usd),
        workspace=arguments.workspace_template,
        artifacts=arguments.artifacts,
        held_out=arguments.held_out,
        score_command=arguments.score_command,
        score_key=arguments.score_key,
        score_seconds=parse_duration(arguments.score_timeout) if arguments.score_timeout else 0.0,
        direction=arguments.direction,
        model=arguments.model,
        keep_env=arguments.keep_env,
        choices=_choices(arguments),
        settings=_changed(policy),
        state=options.state,
        title=arguments.title,
        command=_again(sys.argv[1:]),
    )


def _choices(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was said of the design; policy says the rest."""
    names = ("trials", "scale", "threshold", "failure", "alpha", "power", "seed", "retries")
    said = {name: getattr(arguments, name) for name in names} | {"worthwhile": arguments.effect}
    guards = {
        "paired": not arguments.unpaired,
        "require_active_harness": arguments.require_active_harness,
        "require_tool_use": arguments.require_tool_use,
    }
    return {name: value for name, value in said.items() if value is not None} | guards


def _tasks(arguments: argparse.Namespace, scratch: Path) -> "list[GivenTask]":
    from harnessgym_mcp.errors import UsageError
    from harnessgym_mcp.gym.compare_tasks import load_tasks, text_task

    if bool(arguments.task) == bool(arguments.task_text):
        raise UsageError("a comparison needs --task FILE or --task-text TEXT", hint="--resume goes on with one")
    if arguments.task_text:
        return [text_task(arguments.task_text)]
    try:
        seeds = [int(part) for part in arguments.seeds.split(",") if part.strip()]
    except ValueError as error:
        raise UsageError(f"--seeds takes whole numbers, not {arguments.seeds!r}", hint="--seeds 101,102") from error
    return load_tasks(arguments.task, seeds, scratch)


def _policy(options: "Options") -> "Policy":
    """As everywhere, from flags, environment and the workspace's home, which is not made for this."""
    return options.open(create=False)[1]


def _changed(policy: "Policy") -> dict[str, str]:
    """The settings that are not the defaults, as `--set` takes them."""
    from harnessgym_mcp.core.policy import Policy

    usual = Policy().as_dict()
    return {
        f"{section}.{key}": ",".join(value) if isinstance(value, list | tuple) else str(value)
        for section, keys in policy.as_dict().items()
        for key, value in keys.items()
        if value != usual[section][key]
    }


def _again(argv: list[str]) -> str:
    import shlex

    return shlex.join(["harnessgym", *(word for word in argv if word not in ("--plan-only", "--json", "--quiet"))])


def _show(model: "ReportModel", files: "Files", output: Output) -> None:
    from harnessgym_mcp.cli.commands.report_ import show_report

    show_report(model, output)
    output.say(f"\n{files.report}\n{files.page}")
