"""Trials: a comparison's design, fixed before anything runs, and the plan that follows from it.

A trial is one task x arm x repetition. The arms of one repetition run back to back, in an order drawn by the
design's seed and mirrored in the next repetition, so that neither drift nor order favours an arm.
"""

import hashlib
import math
import random
import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from harnessgym_mcp.core.digest import canonical, sha256
from harnessgym_mcp.core.outcomes import INFRASTRUCTURE, Outcome, Usage
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.tasks import Direction, TaskRef
from harnessgym_mcp.errors import UsageError

__all__ = [
    "ARMS",
    "LEAST_ALPHA",
    "Arm",
    "Budget",
    "Bundle",
    "Design",
    "Trial",
    "by_trial",
    "check",
    "design_digest",
    "is_lost",
    "new_design",
    "plan",
    "remaining",
]

Arm = Literal["plain", "harnessed", "notes", "aa"]
Scale = Literal["ratio", "difference", "pass"]

ARMS: dict[str, str] = {
    "plain": "the agent alone",
    "harnessed": "the agent with the harness",
    "notes": "the agent with the skill texts but no tool",
    "aa": "the agent alone once more (A/A control)",
}

LEAST_ALPHA = 1e-9
"""Below it quantiles lose their digits, and nobody can run the trials."""

_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Budget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one attempt may spend, the same in every arm."""

    seconds: float
    dollars: float | None = None
    tokens: int | None = None


class Bundle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The harness under test. `generation` is what building it cost, where known."""

    digest: str = ""
    artifacts: list[str] = []
    tools: list[str] = []
    skills: list[str] = []
    generation: Usage = Usage()


class Design(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that decides a comparison, stored before its first trial.

    metric, direction: the primary metric and which way is better.
    scale: `ratio` compares by geometric-mean ratio, `difference` by mean difference, `pass` by rate of success.
    trials: repetitions of each task in each arm. paired: repetition i of one arm is compared with i of the other.
    worthwhile: the smallest effect worth having (ratio: 0.05 is 5 %; difference: in the metric's unit; pass: a
    difference of rates). threshold: the score that counts as solved.
    failure: what a failed attempt counts as, `worst` (the task's worst score) or `baseline` (its starting score).
    hashes: of task, bundle, agent, model, verifier; machine: CPU, memory, load.
    """

    tasks: list[TaskRef]
    arms: list[Arm]
    budget: Budget
    trials: int
    alpha: float
    power: float
    worthwhile: float
    retries: int
    metric: str = "score"
    direction: Direction = "higher"
    scale: Scale = "ratio"
    paired: bool = True
    threshold: float | None = None
    failure: Literal["worst", "baseline"] = "worst"
    bundle: Bundle = Bundle()
    seed: int = 0
    require_active_harness: bool = True
    require_tool_use: bool = False
    agent: str = ""
    model: str = ""
    hashes: dict[str, str] = {}
    machine: dict[str, str] = {}
    policy_digest: str = ""
    created_at: float = 0.0

    @property
    def level(self) -> float:
        """The confidence level of all intervals."""
        return 1 - self.alpha

    @property
    def graded(self) -> bool:
        """Does a trial count as solved or not, besides its score?"""
        return self.scale == "pass" or self.threshold is not None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to run. `seed` is the same in all arms of a repetition; `order` is the place in the plan."""

    id: str
    task: str
    arm: Arm
    repetition: int
    order: int
    seed: int


def new_design(tasks: list[TaskRef], arms: list[Arm], budget: Budget, rules: Compare, **choices: object) -> Design:
    """A design with the policy's numbers where `choices` (fields of Design) say nothing. Raises UsageError."""
    numbers = {k: getattr(rules, k) for k in ("trials", "alpha", "power", "worthwhile", "retries")}
    given = {"tasks": tasks, "arms": arms, "budget": budget, **numbers}
    try:
        design = msgspec.convert(msgspec.to_builtins({**given, **choices}), Design)
    except msgspec.ValidationError as error:
        raise UsageError(f"the design is not valid: {error}", hint="see docs/statistics.md, Design") from error
    check(design)
    return design


def design_digest(design: Design) -> str:
    """`sha256:<hex>`; stamped on trials so that outcomes of another design are never mixed in."""
    return sha256(canonical(msgspec.to_builtins(design)))


def check(design: Design) -> None:
    """Raises UsageError where a design cannot lead to a comparison."""
    problem = next((what for bad, what in _problems(design) if bad), None)
    if problem:
        raise UsageError(problem, hint="see docs/statistics.md, Design")
    if "harnessed" in design.arms and not (design.bundle.tools or design.bundle.skills):
        raise UsageError(
            "the harnessed arm is empty: the bundle has no tool and no skill",
            hint="name a home with qualified artifacts, or measure noise with the arms plain,aa",
        )


def plan(design: Design) -> list[Trial]:
    """All trials in the order to run them. Equal designs give equal plans. Raises UsageError as `check` does."""
    check(design)
    rng = random.Random(design.seed)
    orders: dict[str, list[Arm]] = {}
    trials: list[Trial] = []
    for repetition in range(design.trials):
        for task in rng.sample(design.tasks, len(design.tasks)):
            mirrored = orders.pop(task.id, [])[::-1]
            order = mirrored or rng.sample(design.arms, len(design.arms))
            if not mirrored:
                orders[task.id] = order
            trials += [_trial(design, task, arm, repetition, len(trials) + i) for i, arm in enumerate(order)]
    return trials


def by_trial(trials: Iterable[Trial], outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """Trial id -> outcome. Raises UsageError for an outcome of no planned trial, or two of one."""
    planned = {t.id for t in trials}
    found: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.trial not in planned:
            raise UsageError(f"trial {outcome.trial!r} is not in the plan", hint="outcomes belong to another design?")
        if outcome.trial in found:
            raise UsageError(f"two outcomes for trial {outcome.trial!r}", hint="keep the last try of each trial only")
        found[outcome.trial] = outcome
    return found


def remaining(design: Design, outcomes: Mapping[str, Outcome]) -> list[Trial]:
    """The trials still to run, in order: those without an outcome, and those to retry for infrastructure causes."""
    return [t for t in plan(design) if t.id not in outcomes or _retried(design, outcomes[t.id])]


def is_lost(outcome: Outcome) -> bool:
    """Did infrastructure fail? Such a trial says nothing about its arm."""
    return outcome.cause in INFRASTRUCTURE


def _retried(design: Design, outcome: Outcome) -> bool:
    return is_lost(outcome) and outcome.tries <= design.retries


def _trial(design: Design, task: TaskRef, arm: Arm, repetition: int, order: int) -> Trial:
    text = f"{design.seed}/{task.id}/{repetition}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    id = f"{task.id}.{repetition + 1:03d}.{arm}"
    return Trial(id=id, task=task.id, arm=arm, repetition=repetition, order=order, seed=seed)


def _problems(design: Design) -> list[tuple[bool, str]]:
    ids = [t.id for t in design.tasks]
    numbers = (design.alpha, design.power, design.worthwhile, design.threshold or 0.0, design.budget.seconds)
    return [
        (not ids, "a comparison needs a task"),
        (len(set(ids)) < len(ids), "two tasks have the same id"),
        (any(not _TASK_ID.fullmatch(i) for i in ids), "a task's id is up to 64 letters, digits, '-' and '_'"),
        ("plain" not in design.arms, "a comparison needs the arm 'plain' to compare with"),
        (len(design.arms) < 2, "a comparison needs at least two arms"),
        (len(set(design.arms)) < len(design.arms), "an arm is named twice"),
        (design.trials < 1, "a comparison needs at least one trial of each task and arm"),
        (not all(map(math.isfinite, numbers)), "a number of the design is not finite"),
        (not LEAST_ALPHA <= design.alpha < 0.5, f"alpha lies between {LEAST_ALPHA:g} and 0.5"),
        (not 0.5 <= design.power < 1, "power lies between 0.5 and 1"),
        (design.worthwhile <= 0, "the smallest worthwhile effect is above 0"),
        (design.scale == "pass" and design.worthwhile >= 1, "a worthwhile difference of rates is below 1"),
        (design.budget.seconds <= 0, "an attempt's budget is above 0 seconds"),
        (design.retries < 0, "retries are 0 or more"),
        (not design.paired and len(ids) > 1, "several tasks are compared in pairs"),
    ]
