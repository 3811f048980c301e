"""Regular expressions from strangers: searched with a deadline."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["PatternTooSlow", "deadline", "search"]


class PatternTooSlow(Exception):
    """A pattern did not come to an end in time."""


def search(pattern: str, text: str, seconds: float = 1.0) -> bool:
    """Does the pattern occur? Raises re.error for an illegal pattern, PatternTooSlow after `seconds`."""
    with deadline(seconds):
        return re.search(pattern, text) is not None


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise PatternTooSlow in what runs too long; the matcher of `re` looks for signals while it works.

    Only the main thread can be interrupted so; the clean room's child does all its work there. Elsewhere there is no
    bound.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise PatternTooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
