"""How `harnessgym run` tells of itself: one live line on a terminal, plain lines otherwise, and a table at the end."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.cli.output import Output, is_terminal
from harnessgym_mcp.core.durations import show_duration
from harnessgym_mcp.core.policy import Loop
from harnessgym_mcp.core.run_report import RunReport
from harnessgym_mcp.core.run_state import Iteration, RunState, Score, TurnRecord
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    from harnessgym_mcp.gym.run_world import Progress

__all__ = ["describe", "shown_progress"]


# ---- while it runs


class _Lines:
    """A line when a phase with a budget begins, and one when a phase had a result."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def began(self, state: RunState, budget: float | None) -> None:
        if budget is not None:
            again = f", start {state.tries}" if state.tries > 1 else ""
            self._output.say(f"{_place(state)} begins, at most {show_duration(budget)}{again}")

    def ended(self, before: RunState, after: RunState) -> None:
        if told := _told(before):
            self._output.say(f"{_place(before)}: {told}")


class _Live(_Lines):
    """The same lines, with the present phase below them, redrawn."""

    def __init__(self, output: Output, home: Home, rules: Loop, status: Any) -> None:
        super().__init__(output)
        self._home, self._rules, self._status = home, rules, status
        self._state: RunState | None = None
        self._budget: float | None = None
        self._began = time.monotonic()
        self._over = threading.Event()

    def began(self, state: RunState, budget: float | None) -> None:
        self._state, self._budget, self._began = state, budget, time.monotonic()

    def watch(self) -> None:
        """Redraw until it is over; in a thread of its own."""
        from harnessgym_mcp.gym.run_usage import calls_of_run

        while not self._over.wait(self._rules.look):
            if self._state:
                calls = calls_of_run(self._home, self._state.id, self._state.started_at)
                self._status.update(self._line(self._state, calls))

    def stop(self) -> None:
        self._over.set()

    def _line(self, state: RunState, calls: int) -> str:
        budget = f" of {show_duration(self._budget)}" if self._budget else ""
        best = f", best score {state.best.score:g}" if state.best else ""
        spent = show_duration(time.monotonic() - self._began)
        return f"{_place(state)}: {spent}{budget}{best}, {calls} calls of built tools"


@contextmanager
def shown_progress(home: Home, rules: Loop, output: Output) -> "Iterator[Progress]":
    """Whom to tell of a run's progress."""
    if output.quiet or output.as_json or not is_terminal(sys.stdout):
        yield _Lines(output)
        return
    from rich.console import Console

    with Console(highlight=False).status("starting") as status:
        live = _Live(output, home, rules, status)
        thread = threading.Thread(target=live.watch, daemon=True)
        thread.start()
        try:
            yield live
        finally:
            live.stop()
            thread.join()


def _place(state: RunState) -> str:
    return f"{state.phase} {state.number}" if state.number else state.phase


def _told(state: RunState) -> str:
    """What the phase that has just ended came to; "" where there is nothing to tell."""
    match state.phase:
        case "baseline":
            return _score(state.baseline)
        case "verify":
            return _score(state.restored.check if state.restored else None)
        case "restore":
            return f"the state of {_whose(state.best.iteration)} was put back" if state.best else ""
        case "score":
            return _score(state.current.score)
        case "attempt" | "reflect" | "build":
            return _turn(getattr(state.current, state.phase))
        case "qualify":
            return _built(state.current)
        case _:
            return ""


# ---- at the end


def describe(report: RunReport, folder: Path, output: Output) -> list[str]:
    """The report in words and a table."""
    rows = [
        (i.number, _turn(i.attempt), _score(i.score), _used(i), _built(i), _turn(i.build)) for i in report.iterations
    ]
    parts: list[str] = [
        report.finding,
        output.table(("iteration", "attempt", "check", "tools used", "built", "build"), rows),
        *_warnings(report),
    ]
    spent = report.totals.usage
    known = [f"{spent.dollars:.2f} USD" if spent.dollars else "", f"{spent.tokens} tokens" if spent.tokens else ""]
    facts = ", ".join(filter(None, [show_duration(report.totals.seconds), *known]))
    return [*parts, f"{facts}; calls on record: {report.totals.calls}\nreport: {folder / 'report.json'}"]


def _warnings(report: RunReport) -> list[str]:
    lines = []
    if report.restored:
        check, moved = report.restored.check, len(report.restored.aside)
        aside = f"; {moved} files that were in the way are kept in the run's folder aside/" if moved else ""
        lines.append(f"restored: the state of {_whose(report.restored.iteration)}, {_score(check)}{aside}")
    if report.never_used:
        lines.append("never used: " + ", ".join(report.never_used))
    lines += [f"quarantined: {b.name} ({b.reason or 'no reason given'})" for b in report.quarantined]
    lines += [f"abandoned: {b.name} ({b.reason})" for b in report.abandoned]
    if report.totals.interrupted_calls:
        lines.append(f"calls in interrupted turns, counted nowhere else: {report.totals.interrupted_calls}")
    if report.agent.get("name") == "scripted":
        lines.append("the agent was a script, not a model")
    return ["\n".join([*lines, *(f"note: {note}" for note in report.notes)])]


def _turn(turn: TurnRecord | None) -> str:
    if turn is None:
        return ""
    why = f": {one_line(turn.problem, 60)}" if turn.problem and turn.status != "timed_out" else ""
    return f"{turn.status.replace('_', ' ')}{why}" if turn.status != "ok" else f"ok, {show_duration(turn.seconds)}"


def _score(score: Score | None) -> str:
    if score is None:
        return ""
    if not score.passed:
        return f"failed: {one_line(score.message, 70)}"
    return f"passed, {score.score:g}" if score.score is not None else "passed"


def _used(iteration: Iteration) -> str:
    calls = iteration.attempt.calls if iteration.attempt else []
    used = ", ".join(f"{c.tool} {c.completed}/{c.calls}" for c in calls)
    return used or (f"none of {len(iteration.offered)}" if iteration.offered else "")


def _built(iteration: Iteration) -> str:
    built = iteration.built
    if built is None:
        return "nothing" if iteration.build else ""
    rejected = f" after {len(built.rejections)} rejected" if built.rejections else ""
    return f"{built.name} {built.state}{rejected}"


def _whose(iteration: int) -> str:
    return f"iteration {iteration}" if iteration else "the untouched workspace"
