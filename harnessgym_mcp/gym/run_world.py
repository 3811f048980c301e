"""What the phases of a run work with: its folder, its agent, its snapshots, and who hears of its progress."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harnessgym_mcp.agents.agent import Agent, Context, Entry, Prompt, Turn
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.run_state import RunState, TurnRecord
from harnessgym_mcp.core.text import cut
from harnessgym_mcp.gym.checkpoint import Checkpoints
from harnessgym_mcp.gym.run_folder import RunFolder
from harnessgym_mcp.gym.run_settings import RunSettings
from harnessgym_mcp.gym.run_survivors import RUN_VARIABLE
from harnessgym_mcp.gym.run_usage import Labels, calls_of_turn, usage_of
from harnessgym_mcp.store.home import Home

__all__ = ["Progress", "Silent", "World", "take_turn"]


class Progress(Protocol):
    """Told of a run as it goes; what it does with that is its own business."""

    def began(self, state: RunState, budget: float | None) -> None:
        """A phase begins; `budget` in seconds where it has one."""
        ...

    def ended(self, before: RunState, after: RunState) -> None:
        """It has ended; `after` is in the next phase already."""
        ...


class Silent:
    """Hears and says nothing."""

    def began(self, state: RunState, budget: float | None) -> None: ...

    def ended(self, before: RunState, after: RunState) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """One run's surroundings; nothing in it changes."""

    home: Home
    policy: Policy
    settings: RunSettings
    agent: Agent
    folder: RunFolder
    checkpoints: Checkpoints
    progress: Progress = field(default_factory=Silent)

    @property
    def workspace(self) -> Path:
        return self.home.workspace

    def environment(self, state: RunState) -> dict[str, str]:
        """Carried by everything that the run starts."""
        return {RUN_VARIABLE: state.id, "HARNESSGYM_ITERATION": str(state.number)}

    def entry(self, session: str, labels: Mapping[str, str]) -> Entry:
        """The agent's one MCP entry. -P: the workspace's files must not be taken for modules."""
        flags = [word for key, value in self.settings.flags.items() for word in ("--set", f"{key}={value}")]
        return Entry(
            (
                *(sys.executable, "-P", "-m", "harnessgym_mcp", "serve", "--workspace", str(self.workspace)),
                *("--home", str(self.home.root), "--state", str(self.home.state), "--session", session),
                *("--labels", ",".join(f"{key}={value}" for key, value in labels.items()), *flags),
            )
        )


async def take_turn(world: World, state: RunState, text: str) -> TurnRecord:
    """One turn of the present phase: a fresh session for an attempt, else the attempt's own. Raises StateError."""
    phase, number = state.phase, state.tries
    attempt = state.current.attempt
    labels = {"run": state.id, "iteration": str(state.number), "phase": phase, "try": str(number)}
    session = f"{state.id}.{state.number}" + (f".{attempt.number if attempt else number}")
    budget = world.settings.budgets.of(phase, state.number)
    folder = world.folder.turn(state.number, phase, number)
    context = Context(
        workspace=world.workspace,
        transcripts=folder,
        timeout=budget,
        entry=world.entry(session, labels),
        model=world.settings.model,
        budget_usd=world.settings.budget_usd,
        keep_env=tuple(world.settings.keep_env),
        env=world.environment(state),
        rules=world.policy.agents,
        sessions=world.folder.path / "sessions",
    )
    prompt = Prompt(text, phase, state.number)
    began = time.time()
    if attempt is None:
        turn = await world.agent.attempt(prompt, context)
    else:
        turn = await world.agent.resume(attempt.session_id, prompt, context)
    return _record(world, turn, labels, TurnRecord(status=turn.status, number=number, budget=budget, started_at=began))


def _record(world: World, turn: Turn, labels: Labels, begun: TurnRecord) -> TurnRecord:
    notes = list(turn.notes)
    calls = calls_of_turn(world.home, labels, notes)
    return TurnRecord(
        status=begun.status,
        number=begun.number,
        session_id=turn.session_id,
        budget=begun.budget,
        started_at=begun.started_at,
        seconds=round(turn.seconds, 3),
        code=turn.code,
        cause=turn.cause,
        problem=turn.problem,
        message=cut(turn.message, world.policy.loop.message_chars),
        model=turn.model,
        usage=usage_of(turn),
        calls=calls,
        told=sum(turn.calls(world.entry("", {}).name).values()),
        leftovers=turn.leftovers,
        folder=str(turn.transcripts.prompt.parent.relative_to(world.folder.path)),
        notes=notes,
    )
