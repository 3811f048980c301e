"""Runs every escape probe in one tier, as whoever starts it, and prints `{"probe": "contained" | "open" | ...}`.

`python escape.py TIER`; a program of its own, so that it can be run as an ordinary user too.
"""

import contextlib
import json
import math
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.orphans import sweep_orphans
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.sandbox import Prepared, Sandbox
from harnessgym_mcp.proc.watch import Watchdog

PROBES = Path(__file__).with_name("probes.py")
SMALL = Isolation(memory_mb=256, processes=24, file_mb=4, open_files=64, tmp_mb=8, data_mb=8)
DEADLINE = 20.0


@dataclass
class Place:
    """A folder with a room in it, and with what must stay out of reach beside it."""

    base: Path
    sandbox: Sandbox
    room: Room

    def prepare(self, *arguments: str) -> Prepared:
        program = self.sandbox.paths(self.room)["PLUGIN_ROOT"] + "/probes.py"
        return self.sandbox.prepare(self.room, ["python3", "-I", "-S", program, *arguments], "/")

    def spawn(self, prepared: Prepared) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            prepared.argv,
            env=prepared.env,
            cwd=prepared.cwd,
            pass_fds=prepared.pass_fds,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        prepared.release()
        return process


def make_place(base: Path, tier: str, policy: Isolation) -> Place:
    root, data, workspace = base / "artifact", base / "data", base / "work space"
    for folder in (root, data, workspace, workspace / ".git" / "hooks"):
        folder.mkdir(parents=True)
    shutil.copy(PROBES, root)
    (base / "secret").write_text("secret")
    sandbox = choose_sandbox(replace(policy, tier=tier), base / "state")
    return Place(base, sandbox, Room(root, data, Bounds.of(policy), workspace=workspace))


@contextlib.contextmanager
def listeners(base: Path) -> Iterator[dict[str, Any]]:
    """What answers outside: TCP, UDP with an echo, IPv6, two kinds of unix sockets."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        threading.Thread(target=echo, args=(udp,), daemon=True).start()
        tcp6_port = 0
        with contextlib.suppress(OSError):
            tcp6 = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
            tcp6_port = tcp6.getsockname()[1]
        abstract = f"harness-{tcp.getsockname()[1]}"
        for address in (f"{base}/socket", f"\0{abstract}"):
            unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind(address)
            unix.listen()
        yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "tcp6": tcp6_port, "abstract": abstract}


def echo(udp: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, sender = udp.recvfrom(16)
            udp.sendto(data, sender)


def access(place: Place) -> dict[str, str]:
    """All attempts to reach what is outside, in one start."""
    victim = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        with listeners(place.base) as facts:
            facts |= {"base": str(place.base), "victim": victim.pid, "address": readable_address(victim.pid)}
            results = json.loads(output(place, "access", json.dumps(facts)))
    finally:
        victim.kill()
        victim.wait()
    written = place.base / "written"
    results["write beside the workspace"] = "open" if written.exists() else "contained"
    return {name: result.partition(":")[0] for name, result in results.items()}


def output(place: Place, *arguments: str) -> str:
    prepared = place.prepare(*arguments)
    process = place.spawn(prepared)
    out, err = process.communicate(timeout=DEADLINE)
    prepared.close()
    if not out:
        raise SystemExit(f"the probes did not run: {err.decode()[-800:]}")
    return out.decode()


def readable_address(pid: int) -> int:
    """The start of another process's map."""
    return int(Path(f"/proc/{pid}/maps").read_text().partition("-")[0], 16)


def hooks(place: Place) -> dict[str, str]:
    """What git would later run outside, in a workspace that may be written."""
    room = replace(place.room, workspace_write=True)
    hook = place.base / "work space" / ".git" / "hooks" / "pre-commit"
    prepared = place.sandbox.prepare(room, ["/bin/sh", "-c", f"echo x >'{hook}'"], "/")
    place.spawn(prepared).communicate(timeout=DEADLINE)
    prepared.close()
    return {"write a git hook in a workspace granted for writing": "open" if hook.exists() else "contained"}


def hog(place: Place, name: str, kind: str, folder: str = "") -> dict[str, str]:
    """`bounded` when it could not take all it wanted."""
    prepared = place.prepare("hog", kind, folder or place.sandbox.paths(place.room)["PLUGIN_DATA"])
    process = place.spawn(prepared)
    dog = Watchdog(0.05)
    dog.watch(process.pid, prepared)
    try:
        out, err = process.communicate(timeout=DEADLINE)
    finally:
        kill_all(process.pid, prepared.tag)
        dog.close()
        prepared.close()
        empty(place.room.data)  # what is full breaks the next one's bounds at once
    if b"ready" not in out:
        raise SystemExit(f"{name} did not start: {process.returncode} {err.decode()[-400:]}")
    return {name: "open" if b"survived" in out else "bounded"}


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def flood(place: Place) -> dict[str, str]:
    """Output that nobody reads stops the writer, and no one else."""
    prepared = place.prepare("hog", "output", "")
    process = place.spawn(prepared)
    assert process.stdout is not None
    process.stdout.read(6)
    kill_all(process.pid, prepared.tag)
    ended = wait_ended(process.pid, DEADLINE)
    process.communicate()
    prepared.close()
    return {"flood its output": "bounded" if ended else "open"}


def find(mark: str) -> int:
    """The process that has the mark among its arguments, 0 for none."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if mark.encode() in Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0"):
                return int(name)
    return 0


def daemon(place: Place, name: str) -> dict[str, str]:
    """It outlives the polite end of its server?"""
    mark = os.urandom(8).hex()
    prepared = place.prepare("serve", json.dumps({"mark": mark, "tagged": False}))
    process = place.spawn(prepared)
    assert process.stdout is not None
    process.stdout.readline()
    pid = find(mark)
    kill_all(process.pid, prepared.tag)
    process.wait(DEADLINE)
    prepared.close()
    return {name: fate(pid, 2.0)}


def orphan(place: Place, tier: str, name: str, tagged: bool) -> dict[str, str]:
    """It outlives a front that is killed?"""
    mark = os.urandom(8).hex()
    facts = json.dumps({"mark": mark, "tagged": tagged})
    command = [sys.executable, __file__, "front", tier, str(place.base), facts]
    front = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert front.stdout is not None
    front.stdout.readline()
    pid = find(mark)
    front.kill()
    front.wait()
    alone = wait_ended(pid, 2.0)
    sweep_orphans(place.base / "state", math.inf)
    if not alone and wait_ended(pid, 0.5):
        return {name: "swept"}
    return {name: fate(pid, 0)}


def wait_ended(pid: int, seconds: float) -> bool:
    """Has a process, ours or not, ended within this time? One of ours is left for its owner to wait for."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def fate(pid: int, seconds: float) -> str:
    """Ends it where it still lives."""
    assert pid, "the daemon never lived"
    if wait_ended(pid, seconds):
        return "contained"
    os.kill(pid, 9)
    return "open"


def front(tier: str, base: Path, facts: str) -> None:
    """A front of its own, to be killed: starts the server, says so, waits."""
    sandbox = choose_sandbox(replace(SMALL, tier=tier), base / "state")
    room = Room(base / "artifact", base / "data", Bounds.of(SMALL), workspace=base / "work space")
    place = Place(base, sandbox, room)
    process = place.spawn(place.prepare("serve", facts))
    assert process.stdout is not None
    print(process.stdout.readline().decode(), flush=True)
    sys.stdin.read()


def probe(tier: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="harness test ") as folder:
        place = make_place(Path(folder).resolve(), tier, SMALL)
        return {
            **access(place),
            **hooks(place),
            **hog(place, "fork without end", "processes"),
            **hog(place, "take memory", "memory"),
            **hog(place, "write one big file", "file"),
            **hog(place, "fill its data folder", "disk"),
            **hog(place, "fill its temporary folder", "disk", "TMPDIR"),
            **hog(place, "open files without end", "descriptors"),
            **flood(place),
            **daemon(place, "leave a daemon behind"),
            **orphan(place, tier, "outlive a killed front", tagged=False),
            **orphan(place, tier, "outlive a killed front, tag kept", tagged=True),
        }


if __name__ == "__main__":
    if sys.argv[1] == "front":
        front(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    else:
        print(json.dumps(probe(sys.argv[1])))
