"""Tier B's launcher: confines itself, becomes the server, and outlives it just long enough to end all it started.

A program of its own, of the standard library alone: run as `python -I -S launcher.py FD -- command...`, where FD holds
one marshalled dict (all keys needed):

    env, cwd                what the command runs with, exactly
    limits                  {"NOFILE": 512, ...}: soft and hard resource limits
    groups                  control groups to join
    read, write, devices    lists of paths for Landlock; all three null: no Landlock
    network                 are TCP connections let through by Landlock?
    filter                  the system-call filter's bytes, b"" for none

Two processes: the outer one is the subreaper, so that a daemon that forks twice becomes its child again; when the
command has ended, or the front has died (SIGUSR1), it kills every descendant. The inner one is confined and becomes
the command. A layer that was asked for and cannot be had ends it all with exit code 125.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps, without its enums: 4 ms faster
import ctypes
import marshal
import os
import resource
import stat
import struct
import sys

TYPE_CHECKING = False  # `typing` takes longer to import than all of the above
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

__all__ = ["main"]

_PDEATHSIG, _SECCOMP, _CAPBSET_DROP, _SUBREAPER, _NO_NEW_PRIVS = 1, 22, 24, 36, 38  # prctl
_FILTER_MODE = 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1

# linux/landlock.h: rights by bit; the first 13 are of ABI 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK, _TRUNCATE, _IOCTL_DEV = 1 << 6, 1 << 11, 1 << 14, 1 << 15
_KNOWN_SINCE = {1: (1 << 13) - 1, 2: 1 << 13, 3: _TRUNCATE, 5: _IOCTL_DEV}
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_NO_DEVICES = ~(_MAKE_CHAR | _MAKE_BLOCK)
_TCP, _TCP_ABI = 3, 4  # bind and connect
_SCOPE, _SCOPE_ABI = 3, 6  # abstract unix sockets and signals stay within

_PLAIN_SIGNALS = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP, _signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGUSR1)
_libc = ctypes.CDLL(None, use_errno=True)


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> None:
    """Reads the order, forks, confines the child and waits for it."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        order = marshal.load(file)
    command = sys.argv[3:]
    _prctl(_SUBREAPER, 1)
    for path in order["groups"]:
        _join(path)
    for number in (
        _signal.SIGTERM,
        _signal.SIGINT,
        _signal.SIGHUP,
    ):  # they are meant for the command, which gets them too
        _signal.signal(number, _signal.SIG_IGN)
    _signal.signal(_signal.SIGUSR1, lambda *_: _end(137))
    front = os.getppid()
    _prctl(_PDEATHSIG, _signal.SIGUSR1)
    if os.getppid() != front:
        sys.exit(137)
    child = os.fork()
    if child == 0:
        _become(order, command)
    _supervise(child)


def _supervise(child: int) -> NoReturn:
    """The pipes are the command's alone: whoever reads them must see it end."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            _end(code if code >= 0 else 128 - code)


def _end(code: int) -> NoReturn:
    """Freeze every descendant before killing any, so that none can fork faster than it is found."""
    _signal.signal(_signal.SIGUSR1, _signal.SIG_IGN)
    _leave_if_alone(code)
    frozen: set[int] = set()
    while fresh := [pid for pid in _descendants(os.getpid()) if pid not in frozen]:
        for pid in fresh:
            _send(pid, _signal.SIGSTOP)
        frozen.update(fresh)
    for pid in frozen:
        _send(pid, _signal.SIGKILL)
    while True:
        _leave_if_alone(code, 0)


def _leave_if_alone(code: int, flags: int = os.WNOHANG) -> None:
    """Whoever descends from us is our child, or a child's; without children there is nobody to look for."""
    try:
        while os.waitpid(-1, flags) != (0, 0):
            pass
    except ChildProcessError:
        os._exit(code)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def _descendants(pid: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state != b"Z":
            parents.setdefault(int(parent), []).append(int(name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    yield from found[1:]


def _become(order: dict[str, Any], command: list[str]) -> NoReturn:
    try:
        _prctl(_PDEATHSIG, _signal.SIGKILL)
        for number in _PLAIN_SIGNALS:
            _signal.signal(number, _signal.SIG_DFL)
        _confine(order)
        os.chdir(order["cwd"])
        os.execvpe(command[0], command, order["env"])
    except OSError as error:
        os.write(2, f"launcher: {command[0] if command else ''}: {error}\n".encode())
    os._exit(125)


def _confine(order: dict[str, Any]) -> None:
    for name, value in order["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    if order["filter"] or order["read"] is not None:
        _drop_capabilities()
        _prctl(_NO_NEW_PRIVS, 1)
    if order["read"] is not None:
        _landlock(order)
    if order["filter"]:
        _seccomp(order["filter"])


def _join(group: str) -> None:
    with open(f"{group}/cgroup.procs", "w") as file:
        file.write("0")


def _drop_capabilities() -> None:
    """Root without them is bound by permissions like anyone. Those of the bounding set go first: later we may not."""
    capability = 0
    while _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _check(_libc.capset(header, bytes(24)), "capset")


def _landlock(order: dict[str, Any]) -> None:
    abi = _syscall("landlock", _CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    known = sum(bits for since, bits in _KNOWN_SINCE.items() if abi >= since)
    tcp = _TCP if abi >= _TCP_ABI and not order["network"] else 0
    scope = _SCOPE if abi >= _SCOPE_ABI else 0
    attributes = struct.pack("=QQQ", known, tcp, scope)[: 8 if abi < _TCP_ABI else 16 if abi < _SCOPE_ABI else 24]
    ruleset = _syscall("landlock", _CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    rights = (("read", _READ), ("write", _NO_DEVICES), ("devices", _DEVICE))
    for key, wanted in rights:
        for path in order[key]:
            _allow(ruleset, path, wanted & known)
    _syscall("landlock", _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    """What does not exist needs no rule."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(fd).st_mode):
        rights &= _OF_FILES
    _syscall(path, _ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, fd), 0)
    os.close(fd)


def _seccomp(program: bytes) -> None:
    content = ctypes.create_string_buffer(program, len(program))
    order = _FilterProgram(len(program) // 8, ctypes.cast(content, ctypes.c_char_p))
    _check(_libc.prctl(_SECCOMP, _FILTER_MODE, ctypes.byref(order), 0, 0), "seccomp")


def _syscall(what: str, *arguments: Any) -> int:
    return _check(_libc.syscall(*arguments), what)


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0), f"prctl {option}")


def _check(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


if __name__ == "__main__":
    main()
