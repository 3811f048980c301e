"""A run as its folder tells it, finished (`report.json`) or under way (`state.json`): read tolerantly, field by field,
for the file may be a newer program's or somebody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.report.svg import Axis, Canvas, linear
from harnessgym_mcp.report.words import duration, number

__all__ = ["RunStep", "RunView", "read_run", "score_chart"]

_ITERATIONS = 200
_WIDTH, _LEFT, _RIGHT = 960.0, 76.0, 900.0


@dataclass(frozen=True, slots=True)
class RunStep:
    """One iteration: how the attempt ended, what it scored, which harness tools it called, what was built after it."""

    number: int
    attempt: str
    seconds: str
    score: float | None
    passed: bool | None
    calls: list[str]
    built: str
    state: str
    why: str
    rejections: int


@dataclass(frozen=True, slots=True)
class RunView:
    """A run; `status` is its word (solved, improved, ...) or the phase that it is in."""

    status: str
    finding: str
    task: str
    baseline: float | None
    best: float | None
    direction: str
    steps: list[RunStep]
    notes: list[str]

    def score(self, number: int) -> float | None:
        return next((s.score for s in self.steps if s.number == number), None)


def read_run(record: dict[str, Any]) -> RunView:
    scores, rules = _object(record, "scores"), _object(record, "rules")
    best = _number(_object(record, "best"), "score") if isinstance(record.get("best"), dict) else None
    phase = _text(record, "phase")
    return RunView(
        _text(record, "status") or _text(record, "final_status") or (f"under way: {phase}" if phase else "on record"),
        _text(record, "finding", 600),
        _text(record, "task", 400),
        _number(scores, "baseline") if scores else _number(_object(record, "baseline"), "score"),
        _number(scores, "best") if scores else best,
        _text(scores, "direction") or _text(rules, "direction"),
        [_step(i, n) for n, i in enumerate(_list(record, "iterations")[:_ITERATIONS], 1) if isinstance(i, dict)],
        [one_line(str(note), 300) for note in _list(record, "notes")[:20]],
    )


def score_chart(view: RunView) -> Markup:
    """Each attempt's score; the dashed line is the untouched workspace. Nothing where nothing was scored."""
    scored = [(s, s.score) for s in view.steps if s.score is not None]
    if not scored:
        return Markup()
    canvas = Canvas(_WIDTH, 200)
    foot = 168.0
    values = [value for _, value in scored] + ([view.baseline] if view.baseline is not None else [])
    up = linear(values, foot, 14.0, ticks=4)
    across = Axis(0.5, max(s.number for s in view.steps) + 0.5, _LEFT, _RIGHT, [], float)
    for tick in up.ticks:
        canvas.line(_LEFT, up.at(tick), _RIGHT, up.at(tick), "grid")
        canvas.text(_LEFT - 8, up.at(tick) + 4, number(tick), "tick end")
    if view.baseline is not None:
        canvas.line(_LEFT, up.at(view.baseline), _RIGHT, up.at(view.baseline), "null")
    canvas.path([(across.at(s.number), up.at(v)) for s, v in scored], "curve arm-harnessed")
    for step, value in scored:
        x = across.at(step.number)
        canvas.mark(x, up.at(value), "diamond", "arm-harnessed", f"iteration {step.number}: {number(value)}")
        canvas.text(x, foot + 20, str(step.number), "tick middle")
    told = ", ".join(f"{s.number}: {number(v)}" for s, v in scored)
    return canvas.render("scores", "Score of each attempt", told)


def _step(record: dict[str, Any], place: int) -> RunStep:
    attempt, score, built = (_object(record, key) for key in ("attempt", "score", "built"))
    passed = score.get("passed")
    return RunStep(
        int(_number(record, "number") or place),
        _text(attempt, "status") or _text(record, "status"),
        duration(_number(attempt, "seconds")),
        _number(score, "score") if score else _number(record, "score"),
        passed if isinstance(passed, bool) else None,
        _calls(_list(attempt, "calls")),
        _text(built, "name"),
        _text(built, "state"),
        _text(built, "why", 300),
        len(_list(built, "rejections")),
    )


def _calls(listed: Sequence[Any]) -> list[str]:
    found = [c for c in listed[:50] if isinstance(c, dict)]
    return [f"{_text(c, 'tool', 140)} × {number(_number(c, 'calls'))}" for c in found]


def _object(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _list(record: dict[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    return value if isinstance(value, list) else []


def _text(record: dict[str, Any], key: str, most: int = 80) -> str:
    value = record.get(key)
    return one_line(value, most) if isinstance(value, str) else ""


def _number(record: dict[str, Any], key: str) -> float | None:
    value = record.get(key)
    fit = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if fit and value is not None else None
