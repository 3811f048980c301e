"""Measures what a sandbox really holds back, by running a probe inside it against things made to be found."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.cgroups import was_joined
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.inside import environment
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.sandbox import Prepared, Sandbox
from harnessgym_mcp.proc.tags import TAG, pid_namespace

__all__ = ["attest"]

_PROBE = Path(__file__).with_name("inner_probe.py")


class _Answer(msgspec.Struct, frozen=True):
    in_force: dict[str, bool]
    environment: dict[str, str]


def attest(sandbox: Sandbox, policy: Isolation) -> dict[str, bool]:
    """What is in force inside, by name. Raises IsolationError with the sandbox's own words when it does not start."""
    with tempfile.TemporaryDirectory(prefix="harness-probe-") as folder, _listeners() as port:
        base = Path(folder).resolve()
        room = _room(base, Bounds.of(policy))
        program = sandbox.paths(room)["PLUGIN_ROOT"] + "/probe.py"
        facts = [str(base / "secret"), str(base), str(port), str(os.getpid()), str(pid_namespace())]
        prepared = sandbox.prepare(room, ["python3", "-I", "-S", program, *facts], "/")
        try:
            answer = _run(prepared, policy.probe)
            bounded = was_joined(prepared.leftovers)
        finally:
            prepared.close()
    set_by_us = {*environment(room, sandbox.paths(room), "", "", ()), TAG, "PWD"}
    leaked = {name for name, value in answer.environment.items() if os.environ.get(name) == value} - set_by_us
    return {**answer.in_force, "environment_scrubbed": not leaked, "bounded_by_kernel": bounded}


def _room(base: Path, bounds: Bounds) -> Room:
    root, data = base / "artifact", base / "data"
    root.mkdir()
    data.mkdir()
    (base / "secret").write_text("secret")
    (root / "probe.py").write_bytes(_PROBE.read_bytes())
    return Room(root, data, bounds)


@contextlib.contextmanager
def _listeners() -> Iterator[int]:
    """Sockets that must stay out of reach; where we may not even open one, nothing inside can either."""
    with contextlib.ExitStack() as stack:
        port = 9
        with contextlib.suppress(OSError):
            tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = tcp.getsockname()[1]
            if sys.platform == "linux":
                unix = stack.enter_context(socket.socket(socket.AF_UNIX))
                unix.bind(f"\0harness-{port}")
                unix.listen()
        yield port


def _run(prepared: Prepared, seconds: float) -> _Answer:
    try:
        process = subprocess.Popen(
            prepared.argv,
            env=prepared.env,
            cwd=prepared.cwd,
            pass_fds=prepared.pass_fds,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        prepared.release()
        out, err = _communicate(process, prepared.tag, seconds)
    except OSError as error:
        raise IsolationError(f"could not be started: {error}") from error
    try:
        return decoded(out, _Answer)
    except msgspec.MsgspecError as error:
        said = one_line(err.decode(errors="replace")) or f"exit code {process.returncode}"
        raise IsolationError(said) from error


def _communicate(process: "subprocess.Popen[bytes]", tag: str, seconds: float) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_all(process.pid, tag)
        return process.communicate()
