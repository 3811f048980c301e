"""Stands between us and an agent's program, so that nothing the program starts outlives it, or us.

Run as a script, `python -I -S supervisor.py FD`, on one end of a socket pair; it uses the standard library alone and
nothing of this package. One JSON line comes in, the job:

    {"argv": [...], "env": {...}, "cwd": "...", "timeout": s, "settle": s, "grace": s}

and one goes out when nothing of the program runs any more:

    {"code": n, "seconds": s, "timed_out": bool, "stopped": bool, "leftovers": n}   or   {"problem": "..."}

The other side of the socket is a lifeline: when it closes, because the caller gave up or was killed, the program is
ended. On Linux this process is a subreaper: whatever is orphaned below it, in any session or process group and with
any environment, becomes its child, so "no child left" means "nothing left". Elsewhere the process group has to do.
If this process itself is killed, the program goes with it, but what the program has started may stay.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Supervisor", "descendants", "main", "signal_below"]

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_TICK = 0.05
_ROUNDS = 100  # of SIGKILL, a tick each: for processes that fork while they are being killed


def main() -> None:
    """Do the one job."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    job = _receive(channel)
    if job is None:
        return  # the caller was gone before it said anything
    answer = Supervisor(channel, job["settle"], job["grace"]).run(job)
    with contextlib.suppress(OSError):  # nobody may be left to read it
        channel.sendall(json.dumps(answer).encode() + b"\n")


def descendants(root: int) -> dict[int, int]:
    """All processes below `root`, nearest first: pid -> start time, which tells it from a later one of its number."""
    below: dict[int, list[tuple[int, int]]] = {}
    for pid, parent, start in _processes():
        below.setdefault(parent, []).append((pid, start))
    found: dict[int, int] = {}
    front = [root]
    for parent in front:
        for pid, start in below.get(parent, ()):
            found[pid] = start
            front.append(pid)
    return found


def signal_below(root: int, number: int) -> set[int]:
    """Signal all descendants that two looks agree on, so that a number taken over in between is never another's."""
    first = descendants(root)
    with contextlib.ExitStack() as held:
        targets = {pid: _hold(pid, held) for pid in first}
        again = descendants(root)
        for pid, target in targets.items():
            if again.get(pid) == first[pid]:
                _send(pid, target, number)
    return set(first)


class Supervisor:
    """One program and everything it starts."""

    def __init__(self, channel: socket.socket, settle: float, grace: float) -> None:
        self._channel, self._settle, self._grace = channel, settle, grace
        self._child = 0
        self._code: int | None = None
        self._childless = False
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler the wakeup descriptor stays silent

    def run(self, job: dict[str, Any]) -> dict[str, object]:
        """Start the program, wait for its end or a reason to end it, leave nothing behind."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        start = time.monotonic()
        try:
            self._spawn(job["argv"], job["env"], job["cwd"])
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return {"problem": str(error)}
        ended = self._wait(self._exited, job["timeout"], lifeline=True)
        seconds = time.monotonic() - start
        late = not ended and seconds >= job["timeout"]
        leftovers = self._end_all(settle=ended)
        return {
            "code": self._code,
            "seconds": seconds,
            "timed_out": late,
            "stopped": not ended and not late,
            "leftovers": leftovers,
        }

    def _spawn(self, argv: list[str], env: dict[str, str], cwd: str) -> None:
        child = subprocess.Popen(argv, env=env, cwd=cwd, start_new_session=True, preexec_fn=_die_with_parent)
        child.returncode = 0  # it is reaped by number, below: keep Popen's own finaliser out of that
        self._child = child.pid

    def _end_all(self, *, settle: bool) -> int:
        """End what still runs; the number of processes, the program itself not counted, that had to be told."""
        if settle and self._wait(self._alone, self._settle):
            return 0
        told = self._signal(signal.SIGTERM)
        left = not self._wait(self._alone, self._grace)
        for _ in range(_ROUNDS if left else 0):
            self._signal(signal.SIGKILL)
            if self._wait(self._alone, _TICK):
                break
        return len(told - {self._child})

    def _signal(self, number: int) -> set[int]:
        if not _LINUX:
            with contextlib.suppress(OSError):
                os.killpg(self._child, number)
        return signal_below(os.getpid(), number)

    def _exited(self) -> bool:
        return self._code is not None

    def _alone(self) -> bool:
        """No child is left and so, where orphans come to us, nothing at all."""
        return self._childless and (_LINUX or not _group_lives(self._child))

    def _wait(self, done: Callable[[], bool], seconds: float, *, lifeline: bool = False) -> bool:
        """Reap until `done()`; False when the time is up or, with `lifeline`, the caller is gone."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            if lifeline:
                selector.register(self._channel, selectors.EVENT_READ)
            while True:
                self._reap()
                if done():
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                ready = selector.select(left if _LINUX else min(left, _TICK))
                if any(key.fileobj is self._channel for key, _ in ready):
                    return False
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)

    def _reap(self) -> None:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
            while pid:
                if pid == self._child:
                    self._code = os.waitstatus_to_exitcode(status)
                pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            self._childless = True


def _receive(channel: socket.socket) -> dict[str, Any] | None:
    with channel.makefile("rb") as lines:
        line = lines.readline()
    return json.loads(line) if line.endswith(b"\n") else None


def _processes() -> Iterator[tuple[int, int, int]]:
    """`(pid, parent's pid, start time)` of every process; the time is 0 where it is not told."""
    if not _LINUX:
        listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
        yield from ((int(pid), int(parent), 0) for pid, parent in (line.split() for line in listed.splitlines()))
        return
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            told = file.read().rpartition(b")")[2].split()
            yield int(name), int(told[1]), int(told[19])


def _hold(pid: int, held: contextlib.ExitStack) -> int | None:
    """A descriptor that means this process and no later one of its number; None where the system has none."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return -1
    except (AttributeError, OSError):
        return None
    held.callback(os.close, fd)
    return fd


def _send(pid: int, target: int | None, number: int) -> None:
    with contextlib.suppress(OSError):
        if target is None:
            os.kill(pid, number)
        elif target >= 0:
            signal.pidfd_send_signal(target, number)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with_parent() -> None:
    """In the child: the program goes at once should the supervisor be killed."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
