"""Tier B: Landlock and a system-call filter, without namespaces, for machines that forbid those (most containers).

Inside and outside paths are the same. What it cannot do is told in docs/security.md: other processes' ids and files'
metadata stay visible, and what a writable workspace holds is writable without exception.
"""

import marshal
import sys
from collections.abc import Sequence
from pathlib import Path

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.cgroups import usable_groups
from harnessgym_mcp.proc.inside import anonymous_file, checked, limits, outer_environment
from harnessgym_mcp.proc.room import Room
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.proc.scratch import Scratch, outside_paths
from harnessgym_mcp.proc.seccomp import supported, syscall_filter
from harnessgym_mcp.proc.tags import new_tag
from harnessgym_mcp.proc.toolchain import ETC, ETC_NETWORK, Toolchain

__all__ = ["LandlockSandbox"]

_LAUNCHER = Path(__file__).with_name("launcher.py")
_DEVICES = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
_SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"]
_ACCOUNTS = ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"]  # elsewhere made up
_PROC = [f"/proc/{name}" for name in ("self", "cpuinfo", "loadavg", "meminfo", "stat", "sys", "uptime", "version")]


class LandlockSandbox:
    """Starts through a small launcher, since Landlock binds the thread that asks for it and all it starts."""

    def __init__(self, toolchain: Toolchain, report: IsolationReport | None = None, family: str = "") -> None:
        if sys.platform != "linux" or not supported():
            raise IsolationError("Landlock needs Linux on x86_64 or aarch64")
        self._toolchain = toolchain
        self._family = family
        self._groups = usable_groups(report)
        self._report = report or IsolationReport(tier="B", mechanism="Landlock, seccomp, rlimits")

    @property
    def report(self) -> IsolationReport:
        return self._report

    def paths(self, room: Room) -> dict[str, str]:
        return outside_paths(room)

    def prepare(self, room: Room, argv: Sequence[str], cwd: str) -> Prepared:
        checked([*argv, cwd, *room.path_first])
        tag = new_tag(self._family)
        scratch = Scratch.of(tag)
        env = scratch.environment(room, self._toolchain)
        scratch.make(self._toolchain)
        groups = self._groups.make(tag, room.bounds) if self._groups else ()
        order = {
            "env": env,
            "cwd": cwd,
            "limits": limits(room.bounds),
            "groups": [str(group) for group in groups],
            "network": room.network,
            "filter": syscall_filter(room.network),
            **self._rules(room, scratch.folder),
        }
        fd = anonymous_file(marshal.dumps(order))
        command = [str(self._toolchain.python), "-I", "-S", str(_LAUNCHER), str(fd), "--", *argv]
        outer = {**outer_environment(tag), "HOME": env["HOME"]}
        return Prepared(command, outer, "/", (fd,), tag, (scratch.folder, *groups), room, wrapped=True)

    def _rules(self, room: Room, scratch: Path) -> dict[str, list[str]]:
        granted = [room.workspace] if room.workspace is not None else []
        binds = [bind.source for bind in room.binds]
        read = [*_SYSTEM, *ETC, *_ACCOUNTS, *_PROC, *(ETC_NETWORK if room.network else ())]
        read += map(str, [*self._toolchain.roots, room.root, scratch, *granted, *binds])
        write = [room.data, scratch / "home", scratch / "tmp", *(granted if room.workspace_write else ())]
        write += [bind.source for bind in room.binds if bind.write]
        return {"read": read, "write": list(map(str, write)), "devices": _DEVICES}
