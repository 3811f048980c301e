"""Runs inside a sandbox that is being chosen, and prints what is in force there as one JSON object of booleans.

A program of its own, of the standard library alone: it is copied into the sandbox, never imported.
Arguments: a secret file, a folder that must not be writable, a listening port, the outer process's id and pid
namespace.
"""

import ctypes
import json
import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["main"]

_CALLS = {
    "x86_64": {"unshare": 272, "ptrace": 101, "keyctl": 250},
    "aarch64": {"unshare": 97, "ptrace": 117, "keyctl": 219},
}
_NEW_USER_NAMESPACE = 0x10000000
_IO_URING_SETUP = 425
_SECOND = 1.0


def _fails(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


def _call(number: int, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _connect(family: int, address: tuple[str, int] | str) -> None:
    with socket.socket(family) as link:
        link.settimeout(_SECOND)
        link.connect(address)


def _write(path: Path) -> None:
    path.write_text("x")
    path.unlink()


def _open_to_write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY))


def _status() -> str:
    try:
        return Path("/proc/self/status").read_text()
    except OSError:
        return ""


def _pid_namespace() -> int:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def measure(secret: str, outside: str, port: int, pid: int, namespace: int) -> dict[str, bool]:
    """What holds here; True is good."""
    alone = _pid_namespace() not in (0, namespace)  # there, another process may bear the same number
    everywhere = {
        "secrets_hidden": _fails(lambda: Path(secret).read_text()),
        "writes_confined": _fails(lambda: _write(Path(outside, "written"))),
        "metadata_confined": _fails(lambda: os.chmod(secret, 0o600)),
        "system_read_only": _fails(lambda: _write(Path("/usr/.harness-probe"))),
        "kernel_settings_read_only": _fails(lambda: _open_to_write("/proc/sys/kernel/core_pattern")),
        "network_denied": _fails(lambda: _connect(socket.AF_INET, ("127.0.0.1", port))),
        "unix_sockets_denied": _fails(lambda: _connect(socket.AF_UNIX, f"\0harness-{port}")),
        "processes_hidden": alone or not Path(f"/proc/{pid}/stat").exists(),
        "signals_contained": alone or _fails(lambda: os.kill(pid, 0)),
    }
    return {**everywhere, **_measure_linux()} if sys.platform == "linux" else everywhere


def _measure_linux() -> dict[str, bool]:
    calls = _CALLS.get(platform.machine(), {})
    status = _status()
    return {
        "namespaces_denied": _fails(lambda: _in_child(lambda: _call(calls.get("unshare", -1), _NEW_USER_NAMESPACE))),
        "tracing_denied": _fails(lambda: _in_child(lambda: _call(calls.get("ptrace", -1), 0, 0, 0, 0))),
        "keyrings_denied": _fails(lambda: _call(calls.get("keyctl", -1), 0, -3, 0)),
        "io_uring_denied": _fails(lambda: _call(_IO_URING_SETUP, 1, ctypes.create_string_buffer(256))),
        "no_new_privileges": "NoNewPrivs:\t1" in status,
        "system_calls_filtered": "Seccomp:\t2" in status,
        "no_capabilities": "CapEff:\t0000000000000000" in status,
    }


def _in_child(attempt: Callable[[], None]) -> None:
    """What would change this process for good is tried in a child."""
    child = os.fork()
    if child == 0:
        os._exit(1 if _fails(attempt) else 0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise OSError("refused")


def main() -> None:
    secret, outside, port, pid, namespace = sys.argv[1:6]
    in_force = measure(secret, outside, int(port), int(pid), int(namespace))
    print(json.dumps({"in_force": in_force, "environment": dict(os.environ)}))


if __name__ == "__main__":
    main()
