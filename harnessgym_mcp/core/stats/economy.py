"""What a harness costs and when it has paid for itself; how soon arms reach a threshold."""

import math
from collections.abc import Sequence

__all__ = ["break_even", "median_time", "reached_by"]


def break_even(generation: float, before: float, after: float) -> int | None:
    """Runs until `generation` is paid back by the saving per run, `before - after`; None where nothing is saved."""
    saving = before - after
    return math.ceil(generation / saving) if saving > 0 else None


def reached_by(times: Sequence[float | None]) -> list[tuple[float, float]]:
    """Steps of the curve (time, share of all that had got there by then); None never got there.

    Budgets are equal, so nothing is censored: who did not get there in the budget did not get there.
    """
    reached = sorted(t for t in times if t is not None)
    steps: dict[float, float] = {}
    for rank, t in enumerate(reached, start=1):
        steps[t] = rank / len(times)
    return list(steps.items())


def median_time(times: Sequence[float | None]) -> float | None:
    """The time by which half of all got there; None where fewer did."""
    reached = sorted(t for t in times if t is not None)
    half = math.ceil(len(times) / 2)
    return reached[half - 1] if half and len(reached) >= half else None
