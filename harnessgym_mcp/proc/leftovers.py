"""Removing what one start leaves behind: private folders and control groups."""

import contextlib
import os
import signal
import time
from pathlib import Path

__all__ = ["is_group", "kill_members", "remove_leftover"]

_CONTROL_GROUPS = "/sys/fs/cgroup"
_PATIENCE = 1.0  # seconds for the kernel to take apart what was killed


def remove_leftover(folder: Path) -> None:
    """A control group with all its members, a folder with all its content. What cannot go now stays; never raises."""
    if is_group(folder):
        _remove_group(folder)
    else:
        _remove_folder(folder)


def _remove_folder(folder: Path) -> None:
    """By `rm`: a server may have nested folders deeper than Python recurses. Those it closed are opened first."""
    import subprocess

    script = 'rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwX -- "$1"; rm -rf -- "$1"; } 2>/dev/null'
    if folder.exists():
        subprocess.run(["/bin/sh", "-c", script, "sh", str(folder)], check=False)


def is_group(folder: Path) -> bool:
    """A control group, and not a folder?"""
    return folder.is_relative_to(_CONTROL_GROUPS)


def _remove_group(group: Path) -> None:
    """Its members are killed first, whatever session or environment they have moved to."""
    deadline, pause = time.monotonic() + _PATIENCE, 0.001
    while time.monotonic() < deadline:
        kill_members(group)
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(pause)
            pause *= 2
        else:
            return


def kill_members(group: Path) -> None:
    """By the kernel's own list, which no process can leave: quick, however many they are.

    A member of a pid namespace that we cannot see is listed as 0, which to `kill` means ourselves.
    """
    with contextlib.suppress(OSError):
        (group / "pids.max").write_text("0")  # from here on nothing in it can fork
    with contextlib.suppress(OSError):
        for pid in map(int, (group / "cgroup.procs").read_text().split()):
            if pid > 0:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
