"""Tier D: no containment. Bounds for each process, a scrubbed environment, private temporary folders: no more."""

from collections.abc import Sequence
from pathlib import Path

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.inside import TAG, environment, new_tag, prelude
from harnessgym_mcp.proc.sandbox import Prepared, Room
from harnessgym_mcp.proc.toolchain import SYSTEM_PATH, Toolchain

__all__ = ["BareSandbox", "Scratch", "make_scratch", "outside_paths"]


class Scratch:
    """The private folders of one start in a tier that cannot make them appear from nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.tmp, self.bin = folder, folder / "home", folder / "tmp", folder / "bin"


def make_scratch(tag: str, toolchain: Toolchain) -> Scratch:
    """Its name holds the tag, so that a later start can tell whose it was."""
    import tempfile

    scratch = Scratch(Path(tempfile.gettempdir(), f"harness-{tag}"))
    scratch.folder.mkdir(mode=0o700)
    for folder in (scratch.home, scratch.tmp, scratch.bin):
        folder.mkdir()
    for name, program in toolchain.links:
        (scratch.bin / name).symlink_to(program)
    return scratch


def outside_paths(room: Room) -> dict[str, str]:
    """Where there is no mount namespace, inside and outside paths are the same."""
    paths = {"PLUGIN_ROOT": str(room.root), "PLUGIN_DATA": str(room.data)}
    if room.workspace is not None:
        paths["HARNESSGYM_WORKSPACE"] = str(room.workspace)
    return paths


class BareSandbox:
    """Works everywhere and contains nothing: policy refuses to promote an artifact from here unless told otherwise."""

    def __init__(self, toolchain: Toolchain, report: IsolationReport | None = None) -> None:
        self._toolchain = toolchain
        self._report = report or IsolationReport(tier="D", mechanism="rlimits, scrubbed environment; no containment")
        import shutil

        self._setpriv = shutil.which("setpriv", path=":".join(SYSTEM_PATH))

    @property
    def report(self) -> IsolationReport:
        return self._report

    def paths(self, room: Room) -> dict[str, str]:
        return outside_paths(room)

    def prepare(self, room: Room, argv: Sequence[str], cwd: str) -> Prepared:
        tag = new_tag()
        scratch = make_scratch(tag, self._toolchain)
        path = (str(scratch.bin), *SYSTEM_PATH, *self._toolchain.path)
        env = environment(room, self.paths(room), str(scratch.home), str(scratch.tmp), path)
        command = [*prelude(room.bounds), *self._die_with_parent(), *argv]
        return Prepared(command, {**env, TAG: tag}, cwd, (), tag, (scratch.folder,))

    def _die_with_parent(self) -> list[str]:
        return [self._setpriv, "--pdeathsig", "KILL", "--"] if self._setpriv else []
