"""What a run was asked for, checked once and kept beside its state, so that `--resume` needs nothing but its id."""

import math
import re
from pathlib import Path
from typing import Literal

import msgspec

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.run_state import Rules
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.gym.scoring import Scorer, check_scorer

__all__ = ["Budgets", "RunSettings", "check_run_id", "check_settings", "read_task"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds for each iteration; the last value stands for all further ones."""

    attempt: list[float]
    reflect: list[float]
    build: list[float]

    def of(self, phase: str, iteration: int) -> float:
        values: list[float] = getattr(self, phase)
        return values[min(iteration, len(values)) - 1]


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run's whole request. `flags` are policy settings that the servers within it are given too.

    `task` is the text itself. `budget_usd` is for each turn. `keep_env` names variables that the agent may have."""

    task: str
    agent: AgentSpec
    rules: Rules
    budgets: Budgets
    scorer: Scorer | None = None
    task_source: str = ""
    task_state: Literal["continue", "reset"] = "continue"
    depth: Literal["standard", "deep"] = "standard"
    model: str = ""
    budget_usd: float | None = None
    keep_env: list[str] = []
    flags: dict[str, str] = {}


def check_settings(settings: RunSettings, workspace: Path) -> None:
    """Raises UsageError where a run cannot be as asked."""
    rules, scorer = settings.rules, settings.scorer
    problem = next((what for bad, what in _problems(settings) if bad), None)
    if problem:
        raise UsageError(problem, hint="`harnessgym run --help` shows what it takes")
    if scorer is None and (rules.optimize or rules.stop_score is not None):
        what = "an optimisation" if rules.optimize else "a stop score"
        raise UsageError(f"{what} needs a score", hint="--score-command 'python3 verify.py' prints one JSON object")
    if scorer:
        check_scorer(scorer, workspace)


def _problems(settings: RunSettings) -> list[tuple[bool, str]]:
    stop, dollars = settings.rules.stop_score, settings.budget_usd
    return [
        (not settings.task.strip(), "the task is empty"),
        (settings.rules.iterations < 1, "a run has at least one iteration"),
        (stop is not None and not math.isfinite(stop), "the stop score is not a finite number"),
        (dollars is not None and not 0 < dollars < math.inf, "the money budget is above 0"),
    ]


def check_run_id(id: str) -> str:
    """The id itself, fit for a folder and a label. Raises UsageError."""
    if not _ID.fullmatch(id) or ".." in id:
        hint = "up to 64 letters, digits, '-', '_' and '.', the first a letter or digit"
        raise UsageError(f"{one_line(id, 80)!r} is no run id", hint=hint)
    return id


def read_task(path: Path, workspace: Path) -> tuple[str, Path]:
    """The text of a task file and where it was found: as given (from the current folder), else in the workspace.

    Raises UsageError."""
    found = next((p for p in (path, workspace / path) if p.is_file()), None)
    if found is None:
        raise UsageError(f"there is no task file {str(path)!r}", hint="--task-text takes the task itself")
    try:
        return found.read_text(encoding="utf-8"), found.resolve()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the task file {str(path)!r} cannot be read: {error}", hint="it is UTF-8 text") from error
