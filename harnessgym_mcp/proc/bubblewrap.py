"""Tier A: bubblewrap. Namespaces of its own, a read-only system, private temporary folders, a system-call filter.

The options travel through an anonymous file, so that no value of the environment shows in the machine's process list,
and the programs outside the sandbox run with an environment that no artifact has touched.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.cgroups import usable_groups
from harnessgym_mcp.proc.inside import (
    anonymous_file,
    bounded_processes,
    checked,
    environment,
    outer_environment,
    prelude,
)
from harnessgym_mcp.proc.room import Room
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.proc.seccomp import syscall_filter
from harnessgym_mcp.proc.tags import new_tag
from harnessgym_mcp.proc.toolchain import ETC, ETC_NETWORK, SYSTEM_PATH, Toolchain

__all__ = ["BubblewrapSandbox", "Bwrap", "find_bwrap"]

_PROTECTED = (".git/hooks", ".git/config", ".mcp.json", ".claude", ".codex", ".cursor", ".gemini", ".vscode")
"""Read-only even in a workspace that may be written: what other programs would later run or obey."""

_HIDDEN = ".harnessgym"  # other servers' data and the record of calls; no clean room has it either
_OPTIONAL = ("disable-userns", "size")
_LINKS = "/opt/harness/bin"
_USER = 1000  # inside; never root, whoever runs us
_MADE = {
    "/etc/passwd": f"tool:x:{_USER}:{_USER}::{{home}}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": f"tool:x:{_USER}:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost harness\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


@dataclass(frozen=True, slots=True)
class Bwrap:
    """The program, and what it can do beyond the oldest version that is in use."""

    program: Path
    features: frozenset[str]


@cache
def find_bwrap() -> Bwrap:
    """Raises IsolationError when there is none. An option's name is looked for in the program itself: no start."""
    import shutil

    found = shutil.which("bwrap", path=os.pathsep.join([*SYSTEM_PATH, os.environ.get("PATH", "")]))
    if found is None:
        raise IsolationError("bubblewrap is not installed", hint="install the package bubblewrap")
    program = Path(found).resolve()
    try:
        code = program.read_bytes()
    except OSError:  # set-user-id programs are not always readable: the oldest version's options will do
        code = b""
    return Bwrap(program, frozenset(name for name in _OPTIONAL if f"--{name} ".encode() in code))


class BubblewrapSandbox:
    """Nothing of the machine is visible inside but the system's programs, read-only, and what the room grants."""

    def __init__(
        self, bwrap: Bwrap, toolchain: Toolchain, report: IsolationReport | None = None, family: str = ""
    ) -> None:
        self._bwrap = bwrap
        self._toolchain = toolchain
        self._family = family
        self._groups = usable_groups(report)
        self._report = report or IsolationReport(tier="A", mechanism="bubblewrap, seccomp, rlimits")

    @property
    def report(self) -> IsolationReport:
        return self._report

    def paths(self, room: Room) -> dict[str, str]:
        prefix = room.guise.prefix
        paths = {"PLUGIN_ROOT": f"{prefix}/artifact", "PLUGIN_DATA": f"{prefix}/data"}
        if room.workspace is not None:
            paths["HARNESSGYM_WORKSPACE"] = str(room.workspace)
        return paths

    def prepare(self, room: Room, argv: Sequence[str], cwd: str) -> Prepared:
        """Raises IsolationError when the workspace cannot be shown without showing the system."""
        if room.workspace is not None and _covers_system(room.workspace):
            raise IsolationError(
                f"the workspace {room.workspace} holds the system itself", hint="work in a folder below"
            )
        tag = new_tag(self._family)
        fds = _Files()
        try:
            checked(argv)
            words = checked(self._options(room, cwd, fds))
            options = fds.add(b"".join(os.fsencode(word) + b"\0" for word in words))
        except BaseException:
            fds.close()
            raise
        groups = self._groups.make(tag, room.bounds) if self._groups else ()
        command = [*prelude(room.bounds, groups), str(self._bwrap.program), "--args", str(options), "--"]
        command += [*bounded_processes(room.bounds, groups), *argv]
        return Prepared(command, outer_environment(tag), "/", tuple(fds.numbers), tag, groups, room, wrapped=True)

    def _options(self, room: Room, cwd: str, fds: "_Files") -> Iterator[str]:
        yield from self._namespaces(room)
        yield from _system(room.network)
        yield from self._folders(room)
        yield from _made_files(room.guise.home, fds)
        yield from _granted(room, self.paths(room))
        yield from _tools(self._toolchain)
        yield from ("--remount-ro", "/", "--chdir", cwd, "--clearenv")
        for key, value in self._environment(room).items():
            yield from ("--setenv", key, value)
        yield from ("--seccomp", str(fds.add(syscall_filter(room.network))))

    def _environment(self, room: Room) -> Mapping[str, str]:
        path = (_LINKS, *SYSTEM_PATH, *self._toolchain.path)
        return environment(room, self.paths(room), room.guise.home, "/tmp", path)

    def _namespaces(self, room: Room) -> Iterator[str]:
        yield from ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
        yield from ("--die-with-parent", "--new-session", "--hostname", "harness", "--cap-drop", "ALL")
        yield from ("--uid", str(_USER), "--gid", str(_USER))
        if not room.network:
            yield "--unshare-net"
        if "disable-userns" in self._bwrap.features:
            yield "--disable-userns"

    def _folders(self, room: Room) -> Iterator[str]:
        """Private and bounded: /tmp, shared memory, and the home."""
        yield from ("--proc", "/proc", "--dev", "/dev")
        size = ("--size", str(room.bounds.tmp_mb << 20)) if "size" in self._bwrap.features else ()
        for folder in ("/dev/shm", "/tmp", room.guise.home):
            yield from (*size, "--tmpfs", folder)
        for folder in ("/dev", "/proc"):  # run by root we are root to the kernel: its settings must not be writable
            yield from ("--remount-ro", folder)


def _system(network: bool) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        folder = Path("/", name)
        if folder.is_symlink():
            yield from ("--symlink", os.readlink(folder), str(folder))
        elif folder.is_dir():
            yield from ("--ro-bind", str(folder), str(folder))
    for path in (*ETC, *(ETC_NETWORK if network else ())):
        yield from ("--ro-bind-try", path, path)


def _made_files(home: str, fds: "_Files") -> Iterator[str]:
    for path, text in _MADE.items():
        yield from ("--perms", "0444", "--file", str(fds.add(text.format(home=home).encode())), path)


def _granted(room: Room, paths: Mapping[str, str]) -> Iterator[str]:
    if room.workspace is not None:
        yield from ("--bind" if room.workspace_write else "--ro-bind", str(room.workspace), str(room.workspace))
        for name in _PROTECTED if room.workspace_write else ():
            path = str(room.workspace / name)
            yield from ("--ro-bind-try", path, path)
        if (room.workspace / _HIDDEN).is_dir():
            hidden = str(room.workspace / _HIDDEN)
            yield from ("--tmpfs", hidden, "--remount-ro", hidden)
    yield from ("--ro-bind", str(room.root), paths["PLUGIN_ROOT"])
    yield from ("--bind", str(room.data), paths["PLUGIN_DATA"])
    for bind in room.binds:
        yield from ("--bind" if bind.write else "--ro-bind", str(bind.source), bind.target)


def _tools(toolchain: Toolchain) -> Iterator[str]:
    """After the workspace, which may hold them: an interpreter is read-only wherever it lies."""
    for root in toolchain.roots:
        yield from ("--ro-bind", str(root), str(root))
    for name, program in toolchain.links:
        yield from ("--symlink", str(program), f"{_LINKS}/{name}")


def _covers_system(workspace: Path) -> bool:
    return any(Path(part).is_relative_to(workspace) for part in ("/usr", "/proc", "/dev", "/etc", "/tmp"))


class _Files:
    """Anonymous files for bwrap to read."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add(self, content: bytes) -> int:
        self.numbers.append(anonymous_file(content))
        return self.numbers[-1]

    def close(self) -> None:
        for fd in self.numbers:
            os.close(fd)
