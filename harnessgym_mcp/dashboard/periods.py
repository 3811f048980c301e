"""Spans of time that charts are drawn over."""

import math
import time
from dataclasses import dataclass

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.store.callseries import call_span
from harnessgym_mcp.store.home import Home

__all__ = ["PERIODS", "Period", "period_of"]

PERIODS = {"1h": 3600.0, "24h": 86_400.0, "7d": 7 * 86_400.0, "30d": 30 * 86_400.0, "all": 0.0}
_STEPS = (1, 5, 15, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
_NAMES = ("second", "5 seconds", "15 seconds", "minute", "5 minutes", "15 minutes", "half hour", "hour", "3 hours",
          "6 hours", "day", "week", "30 days")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """`count` steps of `step` seconds from `start` on; `key` is its name in the address."""

    key: str
    start: float
    step: float
    count: int

    @property
    def end(self) -> float:
        return self.start + self.step * self.count

    @property
    def step_name(self) -> str:
        return dict(zip(_STEPS, _NAMES, strict=True)).get(int(self.step), f"{self.step / 86_400:.0f} days")


def period_of(key: str, home: Home, buckets: int) -> Period:
    """The period that an address names. `""`: the last day, or all where nothing was called that lately.

    Raises UsageError for a name that is none.
    """
    now = time.time()
    span = call_span(home)
    if key not in ("", *PERIODS):
        raise UsageError(f"no period is called {one_line(key, 20)}", hint="1h, 24h, 7d, 30d or all")
    if not key:
        key = "24h" if span is None or span[1] > now - PERIODS["24h"] else "all"
    if key != "all":
        return _rounded(key, now - PERIODS[key], now, buckets)
    return _rounded(key, *(span or (now - PERIODS["24h"], now)), buckets)


def _rounded(key: str, first: float, last: float, buckets: int) -> Period:
    """Steps of a length that people know, beginning at round times of UTC."""
    span = max(last - first, 60.0)
    step = next((float(s) for s in _STEPS if span / s <= buckets), math.ceil(span / buckets / 86_400) * 86_400.0)
    start = math.floor(first / step) * step
    return Period(key, start, step, max(int((last - start) / step) + 1, 1))
