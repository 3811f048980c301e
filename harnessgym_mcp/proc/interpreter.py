"""The interpreter of a process that lives long: its garbage collector, its lock, the C library's freed blocks."""

import gc
import sys

__all__ = ["collect_seldom", "keep_freed", "take_short_turns"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of <malloc.h>
_KEPT = 16 << 20  # bytes that may stay free at the end of the heap
_SEPARATE = 8 << 20  # larger blocks come from the system one by one, and go back there
_TURN = 0.0001  # seconds


def collect_seldom() -> None:
    """Let the collector pass over what is there now, which lives as long as the process, and come less often: calls
    leave hardly any cycles behind, and those that wait to be recorded are some ten thousand objects."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def keep_freed() -> None:
    """Let glibc keep what a long frame has used for the next one: given back each time, every page of it has to be
    asked for, cleared and mapped again, which costs more than all else that a frame of 1 MB does here. Nothing is
    done where the C library is another."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _SEPARATE)
        mallopt(_TRIM_THRESHOLD, _KEPT)


def take_short_turns() -> None:
    """Let a thread that waits for the interpreter's lock ask for it after a tenth of a millisecond, instead of five: a
    call does not wait that long for a thread that reads an artifact, and a thread is not woken in vain, again and again
    for up to a tenth of a second, each time the calls let go of the lock for a moment."""
    sys.setswitchinterval(_TURN)
