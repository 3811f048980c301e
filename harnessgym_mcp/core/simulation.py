"""Rehearsals: outcomes drawn from an assumed world, to see what a design would say before money is spent on it.

With no effect this is an A/A comparison: the share of better and worse must then be about alpha.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence

import msgspec

from harnessgym_mcp.core.analysis import analyse
from harnessgym_mcp.core.comparison import Word
from harnessgym_mcp.core.outcomes import Call, Outcome, Point, Usage
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.trials import Design, Trial, plan

__all__ = ["World", "rehearse", "simulate"]

_STEPS = 4  # points of a simulated curve


class World(msgspec.Struct, frozen=True, kw_only=True):
    """An assumption. Each trial's score is `typical` times a factor of its pair and a log-normal factor of its own.

    effect: what the harness does for the better, as a share (pass: added to the rate of success, `typical`).
    spread: standard deviation of a pair's log ratio. common: that of the factor both sides of a pair share.
    failing: share of attempts that fail. using: share of harnessed attempts that call a tool with success.
    """

    typical: float = 100.0
    effect: float = 0.0
    spread: float = 0.1
    common: float = 0.1
    failing: float = 0.0
    using: float = 1.0


def simulate(design: Design, world: World, *, seed: int) -> list[Outcome]:
    """One outcome for each planned trial; equal arguments give equal outcomes."""
    return [_outcome(design, world, trial, random.Random(f"{seed}/{trial.id}"), seed) for trial in plan(design)]


def rehearse(design: Design, world: World, *, runs: int, seed: int, rules: Compare | None = None) -> dict[Word, float]:
    """Word -> share of `runs` simulated comparisons that came to this verdict."""
    words = [analyse(design, simulate(design, world, seed=seed + i), rules=rules).judgement.word for i in range(runs)]
    return {word: n / runs for word, n in Counter(words).items()}


def _outcome(design: Design, world: World, trial: Trial, rng: random.Random, seed: int) -> Outcome:
    helped = trial.arm == "harnessed"
    seconds = design.budget.seconds * rng.uniform(0.3, 0.9)
    calls = _calls(design.bundle.tools, rng, seconds) if helped and rng.random() < world.using else []
    usage = Usage(
        seconds=round(seconds, 3),
        input_tokens=rng.randrange(20_000, 60_000),
        output_tokens=rng.randrange(2_000, 9_000),
        dollars=round(rng.uniform(0.1, 0.4), 4),
        turns=rng.randrange(6, 30),
    )
    offered = len(design.bundle.tools) if helped else 0
    if rng.random() < world.failing:
        return Outcome(trial=trial.id, cause="agent_failed", usage=usage, offered=offered, calls=calls, changed=True)
    score, passed = _score(design, world, trial, rng, seed)
    return Outcome(
        trial=trial.id,
        passed=passed,
        score=score,
        usage=usage,
        start_score=None if score is None else world.typical * (0.5 if design.direction == "higher" else 2.0),
        changed=True,
        offered=offered,
        calls=calls,
        curve=_curve(design, world, score, seconds),
    )


def _score(design: Design, world: World, trial: Trial, rng: random.Random, seed: int) -> tuple[float | None, bool]:
    helped = trial.arm == "harnessed"
    if design.scale == "pass":
        return None, rng.random() < world.typical + world.effect * helped
    shared = random.Random(f"{seed}/{trial.seed}").gauss(0, world.common)
    own = rng.gauss(0, world.spread / math.sqrt(2))
    gain = math.log1p(world.effect) * helped * (1 if design.direction == "higher" else -1)
    return world.typical * math.exp(shared + own + gain), True


def _curve(design: Design, world: World, score: float | None, seconds: float) -> list[Point]:
    if score is None:
        return []
    start = world.typical * (0.5 if design.direction == "higher" else 2.0)
    shares = [(i + 1) / _STEPS for i in range(_STEPS)]
    return [Point(seconds=round(seconds * s, 3), score=start + (score - start) * math.sqrt(s)) for s in shares]


def _calls(tools: Sequence[str], rng: random.Random, seconds: float) -> list[Call]:
    times = sorted(rng.uniform(0, seconds) for _ in range(rng.randrange(3, 9) if tools else 0))
    return [
        Call(
            tool=rng.choice(tools),
            status="completed" if i == 0 or rng.random() < 0.9 else "tool_error",
            at=round(at, 3),
            ms=round(rng.lognormvariate(3, 1), 2),
            edit_after=rng.random() < 0.6,
        )
        for i, at in enumerate(times)
    ]
