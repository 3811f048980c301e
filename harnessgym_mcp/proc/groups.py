"""Ending a server with all its processes, and finding those that a crashed front left behind."""

import contextlib
import os
import signal

__all__ = ["kill_group"]


def kill_group(pid: int) -> None:
    """SIGKILL to the process group that `pid` leads; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
