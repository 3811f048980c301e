"""Tier C: macOS's sandbox-exec with a profile of our own.

Written from Apple's published profiles and never run by us on a Mac: it counts only where its probe, which runs inside,
finds it in force. macOS has no parent-death signal: a server there ends with its stdin, or at the next sweep.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.inside import checked, prelude
from harnessgym_mcp.proc.room import Room
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.proc.scratch import Scratch, outside_paths
from harnessgym_mcp.proc.tags import new_tag
from harnessgym_mcp.proc.toolchain import Toolchain

__all__ = ["SeatbeltSandbox", "profile"]

_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/System",
    "/Library/Apple",
    "/Library/Developer/CommandLineTools",
    "/private/var/db",
)
_ETC = ("/private/etc/localtime", "/private/etc/passwd", "/private/etc/ssl", "/private/etc/hosts")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/dtracehelper")
_ALWAYS = """(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow file-read-metadata)
(allow file-read* (literal "/"))"""
_NETWORK = """(allow network-outbound (remote ip))
(allow network-inbound (local ip))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
(allow file-read* (literal "/private/etc/resolv.conf"))
(allow system-socket)"""


class SeatbeltSandbox:
    """Inside and outside paths are the same."""

    def __init__(self, toolchain: Toolchain, report: IsolationReport | None = None, family: str = "") -> None:
        program = shutil.which("sandbox-exec", path="/usr/bin")
        if program is None:
            raise IsolationError("sandbox-exec is not here; it is a part of macOS")
        self._program = program
        self._toolchain = toolchain
        self._family = family
        self._report = report or IsolationReport(tier="C", mechanism="sandbox-exec, rlimits")

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
        rules = profile(room, scratch.folder, self._toolchain)
        command = [*prelude(room.bounds), self._program, "-p", rules, *argv]
        return Prepared(command, env, cwd, (), tag, (scratch.folder,), room)


def profile(room: Room, scratch: Path, toolchain: Toolchain) -> str:
    """The whole profile: nothing but what is named here."""
    binds = [bind.source for bind in room.binds]
    read = [*map(Path, (*_SYSTEM, *_ETC)), *toolchain.roots, room.root, scratch, *binds]
    write = [room.data, scratch / "home", scratch / "tmp", *(bind.source for bind in room.binds if bind.write)]
    if room.workspace is not None:
        (write if room.workspace_write else read).append(room.workspace)
    lines = [
        _ALWAYS,
        _allow("file-read*", [*read, *write]),
        _allow("file-write*", write),
        _allow("file-read* file-write* file-ioctl", map(Path, _DEVICES)),
        *([_NETWORK] if room.network else []),
    ]
    return "\n".join(lines)


def _allow(what: str, paths: Iterable[Path]) -> str:
    """The kernel compares real paths: /tmp there is a link to /private/tmp."""
    real = dict.fromkeys(str(path.resolve()) for path in paths)
    return f"(allow {what} {' '.join(f'(subpath {_quoted(path)})' for path in real)})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
