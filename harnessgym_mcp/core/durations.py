"""Durations as people write them: `90`, `45m`, `1h30m`, `2d`."""

import re

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UsageError

__all__ = ["parse_duration", "parse_durations", "show_duration"]

_NUMBER = r"([0-9]{1,9})"
_WHOLE = re.compile("".join(f"(?:{_NUMBER}{unit})?" for unit in "dhm") + f"(?:{_NUMBER}s?)?")
_UNITS = (86_400, 3600, 60, 1)


def parse_duration(text: str) -> float:
    """Seconds: a whole number of them, or numbers with d, h, m and s in this order; `1h30` is an hour and 30 seconds.

    Raises UsageError, for 0 too."""
    found = _WHOLE.fullmatch(text.strip().lower())
    numbers = found.groups(default="0") if found else ("0",) * len(_UNITS)
    seconds = sum(int(number) * unit for number, unit in zip(numbers, _UNITS, strict=True))
    if seconds <= 0:
        raise UsageError(f"{one_line(text, 40)!r} is not a duration", hint="for example 90 (seconds), 45m or 1h30m")
    return float(seconds)


def parse_durations(text: str) -> list[float]:
    """One or several, with commas between them; the last one stands for all further. Raises UsageError."""
    return [parse_duration(part) for part in text.split(",")]


def show_duration(seconds: float) -> str:
    """As a person reads it: `42 s`, `3:05`, `1:02:03`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minutes}:{second:02}"
