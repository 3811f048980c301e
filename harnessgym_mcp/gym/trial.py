"""One trial: a fresh workspace, one attempt, one score, one record. Any executor only runs this.

It may be started as often as one likes: a trial that has its outcome is not run again, unless infrastructure failed and
the design grants another try. The outcome is written in one rename, as the last thing.
"""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from harnessgym_mcp.agents.agent import Agent, Context, Prompt, Turn
from harnessgym_mcp.core.outcomes import Cause, Outcome, Point
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.records import readable
from harnessgym_mcp.core.run_state import Score
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import Trial, is_lost
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.gym.arms import Equipment, equip, needs_harness
from harnessgym_mcp.gym.compare_bundle import qualified_home
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_folders import changes, copy_folder, entries_of
from harnessgym_mcp.gym.compare_plan import Plan, TaskPlan
from harnessgym_mcp.gym.run_usage import usage_of
from harnessgym_mcp.gym.trial_edits import edits_in
from harnessgym_mcp.gym.trial_parts import agent_of, agent_version, hashes_of, policy_of, score_folder
from harnessgym_mcp.gym.trial_records import cause_of, gather_calls, keep_result, machine
from harnessgym_mcp.gym.trial_snapshots import copied_at, moments
from harnessgym_mcp.store.home import Home

__all__ = ["run_trial"]


async def run_trial(files: Files, id: str, *, state: Path | None = None, tries: int = 0) -> Outcome:
    """Run one trial of a stored plan, or give its outcome where it has one. `tries` were made elsewhere before.

    `state` is this machine's private folder, for qualification. Await it on the main thread's loop. Raises
    NotFoundError for an unknown trial, LockedError while another process runs it, StateError when nothing can be
    written.
    """
    plan = files.plan()
    trial = plan.trial(id)
    with files.running(id):
        found = files.outcome(id)
        if found and _is_final(plan, found):
            return found
        files.clear(id)
        number = max(files.tries(id), tries) + 1
        folder = files.trial(id) / f"try-{number}"
        folder.mkdir()
        outcome = await _Try(files, plan, trial, number, folder, state).outcome()
        files.save_outcome(outcome)
    return outcome


def _is_final(plan: Plan, outcome: Outcome) -> bool:
    """Will this trial not be run again?"""
    return not is_lost(outcome) or outcome.tries > plan.design.retries


@dataclass(slots=True)
class _Try:
    """One start of a trial."""

    files: Files
    plan: Plan
    trial: Trial
    number: int
    folder: Path
    state: Path | None

    async def outcome(self) -> Outcome:
        """Never raises for what a machine can do wrong: that is an outcome too."""
        began, facts = time.time(), machine()
        try:
            found = await self._run()
        except (OSError, HarnessGymError) as error:
            message = error.message if isinstance(error, HarnessGymError) else str(error)
            found = Outcome(trial=self.trial.id, cause="environment", message=one_line(message, 300))
        scripted = self.plan.agent.kind == "scripted"
        return msgspec.structs.replace(found, tries=self.number, started_at=began, machine=facts, scripted=scripted)

    async def _run(self) -> Outcome:
        agent = agent_of(self.plan, self.files)
        harness = self.plan.design.bundle.digest if needs_harness(self.trial.arm) else ""
        hashes = {"agent": await agent_version(agent)} | hashes_of(self._task, self.files, harness)
        bundle = await self._bundle()
        with self.files.place(self.folder) as place:
            workspace = place / "workspace"
            template = self.files.input(self._task.workspace)
            copy_folder(template, workspace, entries_of(template))
            with TemporaryDirectory(prefix="harnessgym-home-", ignore_cleanup_errors=True) as own:
                given = self._equip(workspace, bundle, Path(own))
                return await self._attempted(agent, workspace, given, hashes, place / "snapshots")

    async def _attempted(
        self, agent: Agent, workspace: Path, given: Equipment, hashes: dict[str, str], snapshots: Path
    ) -> Outcome:
        before = entries_of(workspace)
        began = time.time()
        async with _watched(workspace, given) as edits, copied_at(workspace, snapshots, self._moments()) as copies:
            turn = await agent.attempt(self._prompt(), self._context(workspace, given))
        after = entries_of(workspace)
        changed = changes(before, after)
        self._keep(turn, keep_result(workspace, changed, self.folder / "result", self._policy.compare))
        edits.extend(_times(workspace, changed))
        calls = gather_calls(given.home, began, edits, self.folder / "calls.jsonl") if given.home else []
        verified = await score_folder(self._task, self.files, workspace, self.folder, self.plan)
        if turn.model and turn.model != "script":
            hashes["model"] = turn.model
        return Outcome(
            trial=self.trial.id,
            passed=verified.passed,
            score=verified.score,
            cause=_gravest(cause_of(turn), verified),
            message=one_line(turn.problem or verified.message, 300),
            usage=usage_of(turn),
            changed=bool(changed),
            offered=given.offered,
            calls=calls,
            curve=[*await self._curve(copies), *_last_point(turn, verified)],
            hashes=hashes,
        )

    async def _curve(self, copies: Sequence[tuple[float, Path]]) -> list[Point]:
        """The scores of copies from during the attempt; those that do not pass are no points."""
        points = []
        for seconds, folder in copies:
            logs = self.folder / f"at-{seconds:g}"
            logs.mkdir()
            found = await score_folder(self._task, self.files, folder, logs, self.plan)
            points += [] if found.score is None else [Point(seconds, found.score)]
        return points

    def _moments(self) -> list[float]:
        design = self.plan.design
        return moments(design.budget.seconds, self._policy.compare.snapshots) if design.threshold is not None else []

    @property
    def _task(self) -> TaskPlan:
        return self.plan.task(self.trial.task)

    @property
    def _policy(self) -> Policy:
        return policy_of(self.plan)

    async def _bundle(self) -> Home | None:
        if not needs_harness(self.trial.arm):
            return None
        home, _ = await qualified_home(self.files, self.plan.design.bundle.digest, self.state, self._policy)
        return home

    def _equip(self, workspace: Path, bundle: Home | None, own: Path) -> Equipment:
        trial = self.trial
        return equip(trial.arm, workspace, bundle, own, self._policy, self.plan.settings, trial.id)

    def _prompt(self) -> Prompt:
        """The same words in every arm; a script is told the repetition's seed, not the arm."""
        variables = {"seed": self.trial.seed, "task": self.trial.task, "repetition": self.trial.repetition}
        return Prompt(self._task.prompt, variables=variables)

    def _context(self, workspace: Path, given: Equipment) -> Context:
        budget = self.plan.design.budget
        return Context(
            workspace=workspace,
            transcripts=self.folder / "attempt",
            timeout=budget.seconds,
            entry=given.entry,
            model=self.plan.model,
            budget_usd=budget.dollars,
            keep_env=tuple(self.plan.keep_env),
            rules=self._policy.agents,
        )

    def _keep(self, turn: Turn, missing: list[str]) -> None:
        """The turn as the agent's stream told it, for whoever looks closer."""
        told = {
            "status": turn.status,
            "cause": turn.cause,
            "problem": turn.problem,
            "code": turn.code,
            "model": turn.model,
            "seconds": turn.seconds,
            "tools": [msgspec.to_builtins(use) for use in turn.tools],
            "leftovers": turn.leftovers,
            "notes": list(turn.notes),
            "message": turn.message,
            "not_kept": missing,
        }
        (self.folder / "turn.json").write_bytes(readable(told))


@asynccontextmanager
async def _watched(workspace: Path, given: Equipment) -> AsyncIterator[list[float]]:
    """Only where there are tools: edits are looked at beside their calls."""
    if given.home is None:
        yield []
        return
    async with edits_in(workspace) as times:
        yield times


def _times(workspace: Path, changed: Sequence[str]) -> list[float]:
    times = []
    for path in changed:
        with contextlib.suppress(OSError):  # removed, and nobody saw when
            times.append(os.lstat(workspace / path).st_mtime)
    return times


def _last_point(turn: Turn, verified: Score) -> list[Point]:
    return [] if verified.score is None else [Point(round(turn.seconds, 3), verified.score)]


def _gravest(cause: Cause, verified: Score) -> Cause:
    """How the attempt ended; where that is no failure of its own, what the verifier says of what was left."""
    if cause in ("", "agent_timed_out", "budget_spent") and not verified.passed:
        return cause or verified.cause
    return cause
