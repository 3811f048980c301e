"""What an agent is told in each phase. The rules of building live in the server's tools, not here.

`VERSION` changes with every change of these texts; it is in a run's report.
"""

from collections.abc import Sequence

from harnessgym_mcp.core.durations import show_duration
from harnessgym_mcp.core.run_state import Iteration, Score
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.gym.run_settings import RunSettings

__all__ = ["VERSION", "attempt_prompt", "build_prompt", "reflect_prompt"]

VERSION = 1

_ATTEMPT = """{task}

---
You have {budget}; when it is over, the workspace counts as it is then.{target}
{harness}
Try things out on what you can check yourself, keep the best state that you have verified in the workspace, and claim \
nothing that you did not check."""

_NO_TOOLS = "The MCP server `harnessgym` has no tools for this yet."
_TOOLS = """The MCP server `harnessgym` offers {count} tools that earlier sessions built for work like this: {names}. \
Look at them first (harnessgym.tools describes them) and use what fits; harnessgym.call reaches any that your client \
does not list."""

_REFLECT = """The attempt is over{score}. Do no more work on the task itself.

Call harnessgym.reflect with `outcome` and `notes`: what you did by hand, guessed or could not do. Then choose the ONE \
missing tool that it asks for and call harnessgym.reflect again with `selected`.{deep} End your turn when the build \
slot is open. You have {budget}."""

_DEEP = """ Make it a suite of at least five tools in one artifact that together let a later session observe, verify, \
search, change, compare with history, and rank."""

_BUILD = """Build what you selected (if no build slot is open yet, call harnessgym.reflect with `selected` first). \
Work in the draft folder, follow the rules that reflect gave, and hand it in with harnessgym.submit_artifact. When it \
is rejected, repair what the findings name and submit again until it is qualified or no repair is left. It must help \
with other tasks of this kind and hold no answer of this one. You have {budget}."""


def attempt_prompt(settings: RunSettings, offered: Sequence[str], budget: float) -> str:
    """For a fresh session. The agent hears nothing of earlier attempts: only the harness carries over."""
    harness = _TOOLS.format(count=len(offered), names=_listed(offered)) if offered else _NO_TOOLS
    return _ATTEMPT.format(
        task=settings.task.strip(), budget=show_duration(budget), target=_target(settings), harness=harness
    )


def reflect_prompt(settings: RunSettings, iteration: Iteration, budget: float) -> str:
    deep = _DEEP if settings.depth == "deep" else ""
    return _REFLECT.format(score=_scored(settings, iteration.score), deep=deep, budget=show_duration(budget))


def build_prompt(budget: float) -> str:
    return _BUILD.format(budget=show_duration(budget))


def _target(settings: RunSettings) -> str:
    scorer, rules = settings.scorer, settings.rules
    if scorer is None:
        return ""
    if rules.stop_score is None and not rules.optimize:
        return " It is checked independently afterwards."
    aim = f"; {rules.stop_score:g} is enough" if rules.stop_score is not None else ""
    return f" It is scored independently afterwards by `{one_line(scorer.key, 60)}`, {rules.direction} is better{aim}."


def _scored(settings: RunSettings, score: Score | None) -> str:
    """What a verifier says of held-out cases is not passed on: it might tell of them."""
    if score is None:
        return ""
    if score.passed:
        return f"; the independent check passed, score {score.score:g}" if score.score is not None else "; it passed"
    told = settings.scorer is not None and not settings.scorer.held_out
    return "; the independent check did not pass" + (f" ({one_line(score.message, 300)})" if told else "")


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(one_line(name, 80) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
