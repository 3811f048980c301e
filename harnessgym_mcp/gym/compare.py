"""`harnessgym compare`: a plan made and stored, its trials run by an executor, what they say audited and reported."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harnessgym_mcp import __version__
from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.tasks import Direction, TaskRef
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import Arm, Budget, Bundle, Design, new_design
from harnessgym_mcp.errors import StateError, UsageError
from harnessgym_mcp.gym.arms import needs_harness
from harnessgym_mcp.gym.compare_audit import audit
from harnessgym_mcp.gym.compare_bundle import Say, bundle_of, gather, qualified_home
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_folders import keep_folder
from harnessgym_mcp.gym.compare_plan import Plan, TaskPlan
from harnessgym_mcp.gym.compare_tasks import GivenTask
from harnessgym_mcp.gym.executors import Executor, OnOutcome, drive
from harnessgym_mcp.gym.trial_parts import agent_of, agent_version, hashes_of, score_folder
from harnessgym_mcp.gym.trial_records import machine
from harnessgym_mcp.report.model import ReportModel, build, encode
from harnessgym_mcp.store.atomic import write_atomic

__all__ = ["Request", "carry_out", "prepare", "report_of"]

_ONE_MODEL = "the same in all trials"
_UNRUNNABLE = (126, 127)  # what a shell says of a command that is not there


@dataclass(frozen=True, slots=True)
class Request:
    """What a comparison is asked to be. Where a task says otherwise than `score_command` and the like, the task wins.

    `choices` are further fields of the design (trials, alpha, worthwhile, scale, seed, ...); `settings` policy settings
    that differ from their defaults; `state` this machine's private folder.
    """

    tasks: list[GivenTask]
    arms: list[Arm]
    agent: AgentSpec
    budget: Budget
    workspace: Path | None = None
    artifacts: Path | None = None
    held_out: Path | None = None
    score_command: str = ""
    score_key: str = "score"
    score_seconds: float = 0.0  # 0: as policy says
    direction: Direction | None = None
    model: str = ""
    keep_env: list[str] = field(default_factory=list)
    choices: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    state: Path | None = None
    title: str = ""
    command: str = ""


async def prepare(request: Request, files: Files, say: Say = lambda text: None) -> Plan:
    """Make the plan and store it; nothing of it is run but the verifier, on each untouched workspace.

    Raises UsageError for a request that cannot lead to a comparison (an empty harnessed arm is one), NotFoundError,
    StateError, and HarnessGymError where the agent's program cannot be used.
    """
    if files.planned:
        raise UsageError(f"{str(files.out)!r} holds a comparison already", hint="--resume goes on with it")
    policy = Policy().override(request.settings)
    _design(request, policy, [_ref(task) for task in request.tasks], Bundle(tools=["any"], skills=["any"]))
    plan = _drawn(request, policy, files)
    version = await agent_version(agent_of(plan, files))
    starts = {task.id: await _start(plan, task, files) for task in plan.tasks}
    bundle, left_out = await _bundle(request, policy, files, say)
    refs = [_ref(task, starts[task.id]) for task in request.tasks]
    design = _design(request, policy, refs, bundle)
    hashes = {"agent": version, "model": request.model or _ONE_MODEL}
    for task in plan.tasks:
        hashes |= hashes_of(task, files, bundle.digest)
    design = msgspec.structs.replace(
        design, hashes=hashes, machine=machine() | _told(left_out), policy_digest=policy.digest, created_at=time.time()
    )
    plan = msgspec.structs.replace(plan, design=design, left_out=left_out, title=request.title or _title(design))
    files.save_plan(plan)
    return plan


async def carry_out(
    files: Files, plan: Plan, executor: Executor, on_outcome: OnOutcome = lambda outcome: None
) -> ReportModel:
    """Run what remains, audit, and write the report; resumable at any point."""
    await drive(files, plan, executor, on_outcome)
    if "harnessed" in plan.design.arms and files.leaks() is None:
        files.save_leaks(await audit(files, plan, files.outcomes(plan)))
    return report_of(files, plan)


def report_of(files: Files, plan: Plan) -> ReportModel:
    """Analyse what there is so far, and write report.json and report.html. Raises StateError."""
    from harnessgym_mcp.report.page import html

    model = build(
        plan.design,
        _same_model(plan, files.outcomes(plan).values()),
        title=plan.title,
        generated_at=time.time(),
        harnessgym=__version__,
        command=plan.command,
        leaks=files.leaks(),
        rules=Policy().override(plan.settings).compare,
    )
    write_atomic(files.report, encode(model))
    write_atomic(files.page, html(model).encode())
    return model


def _drawn(request: Request, policy: Policy, files: Files) -> Plan:
    """The plan without its design: inputs kept, nothing asked or run."""
    script = Path(request.agent.script) if request.agent.script else None
    return Plan(
        title=request.title,
        design=_design(request, policy, [_ref(task) for task in request.tasks], Bundle(tools=["any"])),
        tasks=[_task_plan(request, task, files) for task in request.tasks],
        agent=request.agent,
        model=request.model,
        keep_env=request.keep_env,
        score_seconds=request.score_seconds or policy.compare.score,
        script=_kept_script(script, files) if script else ("", ""),
        settings=dict(request.settings),
        command=request.command,
    )


def _task_plan(request: Request, task: GivenTask, files: Files) -> TaskPlan:
    workspace = task.workspace or request.workspace
    command = task.score_command or request.score_command
    if workspace is None:
        raise UsageError(f"the task {task.id} has no workspace", hint="--workspace-template DIR")
    if not command:
        raise UsageError(f"the task {task.id} has no score command", hint="--score-command 'python3 verify.py'")
    held_out = task.held_out_files or request.held_out
    if held_out and held_out.resolve().is_relative_to(workspace.resolve()):
        raise UsageError("the held-out files lie in the workspace", hint="keep them where no agent sees them")
    return TaskPlan(
        id=task.id,
        prompt=task.prompt,
        workspace=keep_folder(workspace, files.inputs),
        score_command=command,
        score_key=task.score_key or request.score_key,
        held_out=keep_folder(held_out, files.inputs) if held_out else "",
        answers=task.answers,
        results=task.results,
        names=[name for name in (task.id, task.title) if name and task.named],
    )


def _kept_script(script: Path, files: Files) -> tuple[str, str]:
    """A script alone in a folder, kept as any other input."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="harnessgym-script-") as folder:
        copy = Path(folder) / f"script{script.suffix}"
        try:
            copy.write_bytes(script.read_bytes())
        except OSError as error:
            raise UsageError(f"cannot read the script {str(script)!r}: {error.strerror}", hint="--agent-script FILE") \
                from error  # fmt: skip
        return keep_folder(Path(folder), files.inputs), copy.name


async def _start(plan: Plan, task: TaskPlan, files: Files) -> float | None:
    """The score of the untouched workspace; None where it does not pass."""
    logs = files.out / "start" / task.id
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"cannot write {str(logs)!r}: {error.strerror}", hint="choose another --out") from error
    got = await score_folder(task, files, files.input(task.workspace), logs, plan)
    if got.code in _UNRUNNABLE or got.cause in ("environment", "verifier_timed_out"):
        what = f"the score command of {task.id} cannot be used: {got.message}"
        raise UsageError(what, hint=f"its output is in {str(logs)!r}")
    return got.score


async def _bundle(request: Request, policy: Policy, files: Files, say: Say) -> tuple[Bundle, dict[str, str]]:
    if not any(map(needs_harness, request.arms)):
        return Bundle(), {}
    if request.artifacts is None:
        raise UsageError("the harnessed arm needs artifacts", hint="--artifacts HOME, or measure noise with plain,aa")
    digest = gather(request.artifacts, files, policy)
    if not digest:
        return _with_notes(request, Bundle()), {}
    home, left_out = await qualified_home(files, digest, request.state, policy, say)
    for name, why in left_out.items():
        say(f"{name} is left out: {one_line(why, 300)}")
    return _with_notes(request, bundle_of(home, policy, digest)), left_out


def _with_notes(request: Request, bundle: Bundle) -> Bundle:
    """The bundle itself, if it has what the notes arm is given; that of the harnessed arm is the design's to check."""
    if "notes" in request.arms and not bundle.skills:
        raise UsageError("the notes arm is empty: the bundle has no skill", hint="leave the arm notes out")
    return bundle


def _design(request: Request, policy: Policy, refs: list[TaskRef], bundle: Bundle) -> Design:
    directions = {task.direction for task in request.tasks if task.direction}
    if request.direction:
        directions.add(request.direction)
    if len(directions) > 1:
        raise UsageError("some tasks want higher scores and some lower ones", hint="compare them separately")
    choices = {"direction": next(iter(directions), "higher"), "metric": request.score_key, **request.choices}
    spec = request.agent
    return new_design(
        refs,
        request.arms,
        request.budget,
        policy.compare,
        bundle=bundle,
        agent=spec.kind,
        model=request.model,
        **choices,
    )


def _ref(task: GivenTask, start: float | None = None) -> TaskRef:
    return TaskRef(
        id=task.id,
        title=task.title,
        family=task.family,
        seed=task.seed,
        held_out=task.held_out,
        baseline=start,
        worst=task.worst,
    )


def _title(design: Design) -> str:
    names = sorted({task.family or task.id for task in design.tasks})
    others = [arm for arm in design.arms if arm != "plain"]
    return f"{', '.join(names)}: {' and '.join(others)} against plain, {design.agent} agent"


def _told(left_out: Mapping[str, str]) -> dict[str, str]:
    return {f"left out: {name}": one_line(why, 200) for name, why in left_out.items()}


def _same_model(plan: Plan, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Programs name the model that really answered, often by another name than they were asked for. What most trials
    name counts as the planned one; others show as drift."""
    found = list(outcomes)
    usual = Counter(o.hashes["model"] for o in found if "model" in o.hashes).most_common(1)
    planned = {"model": plan.design.hashes.get("model", "")}
    if not usual:
        return found
    same = [o.hashes.get("model") == usual[0][0] for o in found]
    return [
        msgspec.structs.replace(o, hashes=o.hashes | planned) if alike else o
        for o, alike in zip(found, same, strict=True)
    ]
