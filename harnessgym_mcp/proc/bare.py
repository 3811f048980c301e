"""Tier D: no containment. Bounds for each process, a scrubbed environment, private temporary folders: no more."""

from collections.abc import Sequence

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.cgroups import usable_groups
from harnessgym_mcp.proc.inside import checked, prelude
from harnessgym_mcp.proc.room import Room
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.proc.scratch import Scratch, outside_paths
from harnessgym_mcp.proc.tags import new_tag
from harnessgym_mcp.proc.toolchain import SYSTEM_PATH, Toolchain

__all__ = ["BareSandbox"]


class BareSandbox:
    """Works everywhere and contains nothing: policy refuses to promote an artifact from here unless told otherwise."""

    def __init__(self, toolchain: Toolchain, report: IsolationReport | None = None, family: str = "") -> None:
        import shutil

        self._toolchain = toolchain
        self._family = family
        self._groups = usable_groups(report)
        self._report = report or IsolationReport(tier="D", mechanism="rlimits, scrubbed environment; no containment")
        self._setpriv = shutil.which("setpriv", path=":".join(SYSTEM_PATH))

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
        command = [*prelude(room.bounds, groups), *self._die_with_parent(), *argv]
        return Prepared(command, env, cwd, (), tag, (scratch.folder, *groups), room)

    def _die_with_parent(self) -> list[str]:
        """Where there is no setpriv (macOS) a server still ends when its stdin does, or at the next sweep."""
        return [self._setpriv, "--pdeathsig", "KILL", "--"] if self._setpriv else []
