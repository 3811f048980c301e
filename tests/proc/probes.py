"""Runs inside a sandbox and tries to get out, or to take more than its share. The standard library alone.

`probes.py access FACTS`      every attempt in turn; prints {"name": "what came of it"}, "open" where it worked
`probes.py hog KIND FOLDER`   takes all it can get; says `ready` before and `survived` after
`probes.py serve FACTS`       leaves a daemon behind, says `ready`, and waits for a signal

FACTS is a JSON object made by escape.py.
"""

import ctypes
import json
import os
import platform
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUMBERS = {
    "x86_64": {
        "unshare": 272,
        "ptrace": 101,
        "bpf": 321,
        "keyctl": 250,
        "mount": 165,
        "umount": 166,
        "perf": 298,
        "readv": 310,
    },
    "aarch64": {
        "unshare": 97,
        "ptrace": 117,
        "bpf": 280,
        "keyctl": 219,
        "mount": 40,
        "umount": 39,
        "perf": 241,
        "readv": 270,
    },
}
IO_URING_SETUP = 425
NEW_USER = 0x10000000
PTRACE_SEIZE = 0x4206


def call(name: str, *arguments: Any) -> int:
    number = IO_URING_SETUP if name == "io_uring" else NUMBERS[platform.machine()][name]
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def in_child(attempt: Callable[[], object]) -> None:
    """Attempts that would change this process for good."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code) if code > 0 else "killed")


def connect(family: int, kind: int, address: Any, send: bool = False) -> None:
    with socket.socket(family, kind) as link:
        link.settimeout(0.5)
        link.connect(address)
        if send:
            link.send(b"x")
            link.recv(1)


def write(path: str) -> None:
    """And undo it: outside any sandbox this is the real system."""
    with open(path, "x") as file:
        file.write("x")
    os.unlink(path)


def mount() -> None:
    """On a folder of our own, and undone."""
    target = Path(os.environ["PLUGIN_DATA"], "mounted")
    target.mkdir()
    call("mount", b"none", os.fsencode(target), b"tmpfs", 0, None)
    call("umount", os.fsencode(target), 0)


def seize(pid: int) -> None:
    call("ptrace", PTRACE_SEIZE, pid, 0, 0)


def steal_memory(pid: int, address: int) -> None:
    """One byte of another process, without tracing it."""
    buffer = ctypes.create_string_buffer(1)
    here = struct.pack("=QQ", ctypes.addressof(buffer), 1)
    call("readv", pid, here, ctypes.c_size_t(1), struct.pack("=QQ", address, 1), ctypes.c_size_t(1), ctypes.c_size_t(0))


def attempts(facts: dict[str, Any]) -> dict[str, Callable[[], object]]:
    base, pid = facts["base"], facts["victim"]
    return {
        "tcp": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", facts["tcp"])),
        "udp": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", facts["udp"]), send=True),
        "ipv6": lambda: connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", facts["tcp6"])),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
        "unix socket by path": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, f"{base}/socket"),
        "abstract unix socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + facts["abstract"]),
        "read a secret file": lambda: open(f"{base}/secret").read(),
        "list a folder outside": lambda: os.listdir(base).index("secret"),
        "see that a file exists": lambda: os.stat(f"{base}/secret"),
        "change a file's mode": lambda: os.chmod(f"{base}/secret", 0o644),
        "read /etc/shadow": lambda: open("/etc/shadow").read(),
        "see the caller's environment": lambda: os.environ["HARNESS_SECRET"],
        "see other processes": lambda: open(f"/proc/{pid}/cmdline").read().index("sleep"),
        "read a process's environment": lambda: open(f"/proc/{pid}/environ").read(),
        "signal a process": lambda: os.kill(pid, 0),
        "write beside the workspace": lambda: Path(base, "written").touch(),
        "write the system": lambda: write("/usr/lib/.harness-probe"),
        "write its own code": lambda: write(os.environ["PLUGIN_ROOT"] + "/changed"),
        "write a workspace granted for reading": lambda: write(os.environ["HARNESSGYM_WORKSPACE"] + "/x"),
        "change a kernel setting": lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)),
        "make a user namespace": lambda: in_child(lambda: call("unshare", NEW_USER)),
        "mount": lambda: in_child(mount),
        "trace a process": lambda: in_child(lambda: seize(pid)),
        "read a process's memory": lambda: steal_memory(pid, facts["address"]),
        "io_uring": lambda: call("io_uring", 1, ctypes.create_string_buffer(256)),
        "bpf": lambda: call("bpf", 0, ctypes.create_string_buffer(struct.pack("=IIIII", 2, 4, 4, 1, 0), 128), 128),
        "keyctl": lambda: call("keyctl", 0, -3, 0),
        "perf_event_open": lambda: call(
            "perf", ctypes.create_string_buffer(struct.pack("=II", 1, 128), 128), 0, -1, -1, 0
        ),
    }


def access(facts: dict[str, Any]) -> None:
    results = {}
    for name, attempt in attempts(facts).items():
        try:
            attempt()
        except (OSError, LookupError, ValueError) as error:
            results[name] = f"contained: {type(error).__name__} {error}"
        else:
            results[name] = "open"
    print(json.dumps(results), flush=True)


def bomb() -> None:
    """Doubles itself as fast as it can, up to 256 processes, so that a missing bound cannot take the machine along."""
    for _ in range(8):
        try:
            os.fork()
        except OSError:
            time.sleep(0.1)
    time.sleep(2)


def hog(kind: str, folder: str) -> None:
    folder = os.environ.get(folder, folder)
    print("ready", flush=True)
    if kind == "processes":
        bomb()
    elif kind == "memory":
        kept = [b"x" * (16 << 20) for _ in range(64)]
        time.sleep(4 if kept else 0)
    elif kind == "file":
        with open(f"{folder}/big", "wb") as file:
            for _ in range(64):
                file.write(b"x" * (1 << 20))
    elif kind == "disk":
        for number in range(64):
            Path(folder, f"{number}").write_bytes(b"x" * (1 << 20))
        time.sleep(4)
    elif kind == "descriptors":
        os.dup2(0, 300)
    elif kind == "output":
        while True:
            os.write(1, b"x" * 65536)
    print("survived", flush=True)


def serve(facts: dict[str, Any]) -> None:
    """The daemon leaves its session, its group, its parent and its environment behind, and ignores polite signals."""
    inner, outer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            environment = os.environ if facts["tagged"] else {}
            os.set_inheritable(outer, True)
            code = f"import os; os.write({outer}, b'1'); os.close({outer}); import time; time.sleep(60)"
            os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code, facts["mark"]], environment)
        os._exit(0)
    os.wait()
    os.close(outer)
    os.read(inner, 1)
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    if sys.argv[1] == "access":
        access(json.loads(sys.argv[2]))
    elif sys.argv[1] == "hog":
        hog(sys.argv[2], sys.argv[3])
    else:
        serve(json.loads(sys.argv[2]))
