"""What a plan says of a trial, made: its policy, its agent, the digests of its inputs, its verifier at work."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from harnessgym_mcp.agents.agent import Agent
from harnessgym_mcp.agents.choose import choose_agent
from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.run_state import Score
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_folders import copy_folder, digest_of, entries_of
from harnessgym_mcp.gym.compare_plan import Plan, TaskPlan
from harnessgym_mcp.gym.scoring import Scorer, score, scoring_copy

__all__ = ["agent_of", "agent_version", "hashes_of", "policy_of", "score_folder"]


def policy_of(plan: Plan) -> Policy:
    """As it was when the comparison was planned, wherever the trial runs."""
    return Policy().override(plan.settings)


def agent_of(plan: Plan, files: Files) -> Agent:
    """Raises UsageError."""
    digest, name = plan.script
    spec = plan.agent
    if digest:
        spec = msgspec.structs.replace(spec, script=str((files.input(digest) / name).resolve()))
    return choose_agent(spec)


async def agent_version(agent: Agent) -> str:
    """Raises HarnessGymError where the agent's program cannot be used."""
    identity = await agent.identify()
    if identity.problem:
        what = f"the agent {identity.name} cannot be used: {identity.problem}"
        raise HarnessGymError(what, hint="`harnessgym doctor` looks for clients")
    return f"{identity.name} {identity.version}".strip()


def hashes_of(task: TaskPlan, files: Files, bundle: str) -> dict[str, str]:
    """Digests of what a trial of this task uses, taken from the kept folders as they are now."""
    held_out = digest_of(entries_of(files.input(task.held_out))) if task.held_out else ""
    found = {
        f"task {task.id}": sha256(f"{task.prompt}\0{digest_of(entries_of(files.input(task.workspace)))}".encode()),
        f"verifier {task.id}": sha256(f"{task.score_command}\0{held_out}".encode()),
    }
    return found | ({"bundle": digest_of(entries_of(files.input(bundle)))} if bundle else {})


async def score_folder(
    task: TaskPlan, files: Files, workspace: Path, logs: Path, plan: Plan, put: Sequence[tuple[str, Path]] = ()
) -> Score:
    """Verify a copy of a workspace, with the held-out files laid over. `put`: (path, content's file), put in first."""
    with TemporaryDirectory(prefix="harnessgym-nothing-") as nothing:
        held_out = files.input(task.held_out) if task.held_out else Path(nothing)

        def unfold(target: Path) -> None:
            copy_folder(workspace, target, entries_of(workspace))
            for path, source in put:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                (target / path).unlink(missing_ok=True)
                (target / path).write_bytes(source.read_bytes())

        with scoring_copy(str(held_out), unfold) as folder:
            scorer = Scorer(command=task.score_command, seconds=plan.score_seconds, key=task.score_key)
            return await score(scorer, folder, logs, policy_of(plan), {"HARNESSGYM_TASK": task.id})
