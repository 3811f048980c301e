"""`harnessgym run`: a fold over phases. Each is a function from state to state, kept on disk before and after.

Killed at any point, `resume` goes on with the phase that it was killed in and comes to the same end.
"""

import asyncio
import time
from dataclasses import dataclass

from msgspec.structs import replace

from harnessgym_mcp.agents.choose import choose_agent
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.run_report import Asked, RunReport, report_of
from harnessgym_mcp.core.run_state import RunState, advance, began
from harnessgym_mcp.gym.checkpoint import Checkpoints
from harnessgym_mcp.gym.phases import PHASES, budget_of
from harnessgym_mcp.gym.prompts import VERSION
from harnessgym_mcp.gym.run_folder import RunFolder
from harnessgym_mcp.gym.run_settings import RunSettings, check_settings
from harnessgym_mcp.gym.run_survivors import outlast
from harnessgym_mcp.gym.run_usage import calls_of_run
from harnessgym_mcp.gym.run_world import Progress, Silent, World
from harnessgym_mcp.gym.scoring import sealed
from harnessgym_mcp.store.atomic import Step, no_step
from harnessgym_mcp.store.home import Home

__all__ = ["Runner", "new_run", "resume_run"]


@dataclass(frozen=True, slots=True)
class Runner:
    """A run that can be driven to its end, once or in several goes."""

    world: World

    @property
    def id(self) -> str:
        return self.world.folder.path.name

    async def drive(self) -> RunReport:
        """To the end. Raises HarnessGymError where a phase cannot be done; then, as after a kill, it can be resumed."""
        world = self.world
        with world.folder.driving():
            await outlast(self.id, world.policy.loop)
            state = _opened(world.folder.state())
            while state.phase != "done":
                state = await _step(world, state)
            return await asyncio.to_thread(_report, world, state)


def new_run(
    home: Home,
    policy: Policy,
    id: str,
    settings: RunSettings,
    *,
    progress: Progress | None = None,
    step: Step = no_step,
) -> Runner:
    """Raises UsageError where it cannot be as asked or the id is taken, StateError."""
    check_settings(settings, home.workspace)
    choose_agent(settings.agent)
    settings = replace(settings, scorer=sealed(settings.scorer)) if settings.scorer else settings
    return _runner(home, policy, RunFolder.create(home, id, settings, step), progress)


def resume_run(
    home: Home, policy: Policy, id: str, *, progress: Progress | None = None, step: Step = no_step
) -> Runner:
    """Raises NotFoundError, CorruptError, UsageError."""
    return _runner(home, policy, RunFolder.find(home, id, step), progress)


def _runner(home: Home, policy: Policy, folder: RunFolder, progress: Progress | None) -> Runner:
    settings = folder.settings()
    policy = policy.override(settings.flags)
    checkpoints = Checkpoints(folder.path, policy.loop, frozenset({home.root, home.state}))
    agent = choose_agent(settings.agent)
    return Runner(World(home, policy, settings, agent, folder, checkpoints, progress or Silent()))


def _opened(state: RunState) -> RunState:
    if not state.started_at:
        return replace(state, started_at=time.time())
    return replace(state, resumed=state.resumed + 1) if state.phase != "done" else state


async def _step(world: World, state: RunState) -> RunState:
    """One phase."""
    name = f"{state.phase} {state.number}"
    state = world.folder.save(began(state), f"{name} begun")
    world.progress.began(state, budget_of(world, state))
    done = await PHASES[state.phase](world, state)
    following = advance(done, world.settings.rules)
    if following.phase == "done":
        following = replace(following, ended_at=time.time())
    world.folder.save(following, f"{name} ended")
    world.progress.ended(done, following)
    return following


def _report(world: World, state: RunState) -> RunReport:
    report = report_of(state, world.settings.rules, _asked(world), calls_of_run(world.home, state.id))
    world.folder.write("report.json", report)
    return report


def _asked(world: World) -> Asked:
    settings, scorer = world.settings, world.settings.scorer
    return Asked(
        task=settings.task,
        task_source=settings.task_source,
        task_state=settings.task_state,
        depth=settings.depth,
        model=settings.model,
        score_key=scorer.key if scorer else "",
        held_out=bool(scorer and scorer.held_out),
        prompts=VERSION,
        policy_digest=world.policy.digest,
    )
