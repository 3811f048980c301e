"""How `harnessgym compare` tells of itself: its plan, each trial that has ended."""

import msgspec

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.core.outcomes import CAUSES, Outcome
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import design_digest
from harnessgym_mcp.core.trials import plan as trials_of
from harnessgym_mcp.gym.compare_plan import Plan

__all__ = ["outcome_line", "show_plan"]


def outcome_line(outcome: Outcome) -> str:
    """One trial that has ended, for a person."""
    used = sum(call.used for call in outcome.calls)
    parts = [
        "no score" if outcome.score is None else f"score {outcome.score:g}",
        CAUSES.get(outcome.cause, outcome.cause),
        one_line(outcome.message, 120),
        f"{outcome.usage.seconds:.1f} s" if outcome.usage.seconds is not None else "",
        f"tool calls: {used}" if used else "",
    ]
    return f"{outcome.trial}  " + ", ".join(filter(None, parts))


def show_plan(plan: Plan, output: Output) -> int:
    """What is about to be run; the exit code."""
    design, trials = plan.design, trials_of(plan.design)
    rows = [(t.order + 1, t.id, t.arm, t.repetition + 1, t.seed) for t in trials]
    dollars = f", at most {design.budget.dollars * len(trials):g} dollars" if design.budget.dollars else ""
    text = (
        f"{plan.title}\n{len(trials)} trials of at most {design.budget.seconds:g} s each{dollars}\n"
        f"bundle: {', '.join(design.bundle.artifacts) or 'none'}\ndesign {design_digest(design)[:19]}"
    )
    body = msgspec.to_builtins(plan) | {"trials": msgspec.to_builtins(trials)}
    output.result("comparison", body, text, output.table(("", "trial", "arm", "repetition", "seed"), rows))
    return 0
