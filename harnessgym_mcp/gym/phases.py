"""The phases of a run: each takes the state at its beginning and gives the state at its end.

A phase may be cut off at any point and is then started again with `tries` above 1: it first undoes, or takes note of,
what its earlier start left behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from msgspec.structs import replace

from harnessgym_mcp.core.run_state import Best, Phase, Restored, RunState, Score, TurnRecord, with_iteration
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.gym.prompts import attempt_prompt, build_prompt, reflect_prompt
from harnessgym_mcp.gym.run_observe import built_by, close_left_open, offered_tools, retire, slot_of
from harnessgym_mcp.gym.run_world import World, take_turn
from harnessgym_mcp.gym.scoring import check_unchanged, score, scoring_copy
from harnessgym_mcp.gym.workspace_state import Change, put_back

__all__ = ["PHASES", "AgentMissing", "budget_of"]

INITIAL = "initial"


class AgentMissing(HarnessGymError):
    """The agent cannot be started; the run can be resumed once it can."""

    code = "agent-missing"


def budget_of(world: World, state: RunState) -> float | None:
    """Seconds that the present phase may take; None where it has no budget of its own."""
    if state.phase in ("attempt", "reflect", "build"):
        return world.settings.budgets.of(state.phase, state.number)
    if state.phase in ("score", "baseline", "verify") and world.settings.scorer:
        return world.settings.scorer.seconds
    return None


# ---- before and after


async def start(world: World, state: RunState) -> RunState:
    """Raises AgentMissing, StateError."""
    identity = await world.agent.identify()
    if identity.problem:
        hint = f"`harnessgym doctor` looks why; then `harnessgym run --resume {state.id}`"
        raise AgentMissing(f"the agent {identity.name} cannot be used: {identity.problem}", hint=hint)
    snapshot = await asyncio.to_thread(world.checkpoints.capture, INITIAL, world.workspace)
    notes = [f"not part of the workspace's state: {path}" for path in snapshot.skipped]
    agent = {"name": identity.name, "version": identity.version, "program": identity.program}
    return replace(state, agent=agent, notes=[*state.notes, *notes])


async def baseline(world: World, state: RunState) -> RunState:
    if state.tries > 1:
        await _put_back(world, INITIAL, f"baseline-{state.tries}")
    return replace(state, baseline=await _score(world, state, INITIAL))


async def prepare(world: World, state: RunState) -> RunState:
    """The workspace as the attempt shall find it, and a snapshot of that."""
    notes: list[str] = []
    if world.settings.task_state == "reset" and state.number > 1:
        change = await _put_back(world, INITIAL, f"reset-{state.number}")
        notes = [f"moved aside before the attempt: {len(change.aside)} files"] if change.aside else []
    await asyncio.to_thread(world.checkpoints.capture, f"before-{state.number}", world.workspace)
    return with_iteration(state, notes=notes)


# ---- the agent's turns


async def attempt(world: World, state: RunState) -> RunState:
    """A fresh session. Raises AgentMissing."""
    if state.tries > 1:
        await _put_back(world, f"before-{state.number}", f"attempt-{state.number}-{state.tries}")
        await asyncio.to_thread(retire, world.home, state.id, state.number, state.tries - 1)
    offered = await asyncio.to_thread(offered_tools, world.home)
    budget = world.settings.budgets.of("attempt", state.number)
    turn = await take_turn(world, state, attempt_prompt(world.settings, offered, budget))
    if turn.status == "not_started":
        hint = f"once it can be started: `harnessgym run --resume {state.id}`"
        raise AgentMissing(f"the agent could not be started: {turn.problem}", hint=hint)
    return with_iteration(state, attempt=turn, offered=offered)


async def reflect(world: World, state: RunState) -> RunState:
    slot = await asyncio.to_thread(slot_of, world.home, state.id, state.number)
    reason = _unresumable(world, state)
    if slot and slot.state != "open":
        reason = "the attempt has built its one artifact already"
    if reason:
        return with_iteration(state, reflect=_skipped(state, reason))
    if slot and state.tries > 1:
        return with_iteration(state, reflect=_interrupted(state, "it was interrupted after the selection"))
    budget = world.settings.budgets.of("reflect", state.number)
    turn = await take_turn(world, state, reflect_prompt(world.settings, state.current, budget))
    return with_iteration(state, reflect=turn)


async def build(world: World, state: RunState) -> RunState:
    slot = await asyncio.to_thread(slot_of, world.home, state.id, state.number)
    if reason := _unresumable(world, state):
        return with_iteration(state, build=_skipped(state, reason))
    if slot and slot.state != "open":
        if state.tries > 1:
            return with_iteration(state, build=_interrupted(state, "it was interrupted after the submission"))
        return with_iteration(state, build=_skipped(state, "the artifact was handed in before"))
    turn = await take_turn(world, state, build_prompt(world.settings.budgets.of("build", state.number)))
    return with_iteration(state, build=turn)


async def qualify(world: World, state: RunState) -> RunState:
    """The server has qualified or rejected; here it is only noted what came of it."""
    turn = state.current.build
    reason = "the build ran out of time" if turn and turn.status == "timed_out" else "the build ended without it"
    await asyncio.to_thread(close_left_open, world.home, state.id, state.number, reason)
    return with_iteration(state, built=await asyncio.to_thread(built_by, world.home, state.id, state.number))


# ---- scores and states


async def score_attempt(world: World, state: RunState) -> RunState:
    """On the workspace as the attempt left it, which is kept first."""
    label = f"after-{state.number}"
    if world.checkpoints.has(label):
        await _put_back(world, label, f"score-{state.number}-{state.tries}")
    else:
        await asyncio.to_thread(world.checkpoints.capture, label, world.workspace)
    return with_iteration(state, score=await _score(world, state, label))


async def restore(world: World, state: RunState) -> RunState:
    """The best state is put back; what is in its way is moved aside."""
    best = _best(state)
    change = await _put_back(world, best.snapshot, f"restore-{state.tries}")
    done = Restored(iteration=best.iteration, changed=change.written, aside=list(change.aside))
    return replace(state, restored=done)


async def verify(world: World, state: RunState) -> RunState:
    """The restored state is checked once more."""
    best, restored = _best(state), state.restored
    assert restored is not None
    if state.tries > 1:
        await _put_back(world, best.snapshot, f"verify-{state.tries}")
    return replace(state, restored=replace(restored, check=await _score(world, state, best.snapshot)))


PHASES: Mapping[Phase, Callable[[World, RunState], Awaitable[RunState]]] = {
    "start": start,
    "baseline": baseline,
    "prepare": prepare,
    "attempt": attempt,
    "score": score_attempt,
    "reflect": reflect,
    "build": build,
    "qualify": qualify,
    "restore": restore,
    "verify": verify,
}


async def _score(world: World, state: RunState, label: str) -> Score:
    scorer = world.settings.scorer
    assert scorer is not None
    logs = world.folder.turn(state.number, state.phase, state.tries)
    env = world.environment(state)
    if not scorer.held_out:
        return await score(scorer, world.workspace, logs, world.policy, env)
    await asyncio.to_thread(check_unchanged, scorer)
    snapshot = await asyncio.to_thread(world.checkpoints.load, label)
    with scoring_copy(scorer.held_out, partial(world.checkpoints.unfold, snapshot)) as copy:
        return await score(scorer, copy, logs, world.policy, env)


async def _put_back(world: World, label: str, aside: str) -> Change:
    snapshot = await asyncio.to_thread(world.checkpoints.load, label)
    return await asyncio.to_thread(put_back, world.workspace, snapshot, world.checkpoints, world.folder.aside(aside))


def _best(state: RunState) -> Best:
    assert state.best is not None
    return state.best


def _unresumable(world: World, state: RunState) -> str:
    """Why the attempt's session cannot be gone on with, "" where it can."""
    turn = state.current.attempt
    if turn is None or not turn.session_id:
        return "the attempt told no session that could be resumed"
    if world.settings.agent.kind == "command" and not world.settings.agent.resume_command:
        return "this agent command cannot resume a session"
    return ""


def _skipped(state: RunState, reason: str) -> TurnRecord:
    return TurnRecord(status="skipped", number=state.tries, problem=reason)


def _interrupted(state: RunState, reason: str) -> TurnRecord:
    return TurnRecord(status="interrupted", number=state.tries, problem=reason)
