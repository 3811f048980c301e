"""The private folders of one start, in the tiers that cannot make them appear from nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.proc.inside import environment
from harnessgym_mcp.proc.room import Room
from harnessgym_mcp.proc.tags import TAG
from harnessgym_mcp.proc.toolchain import SYSTEM_PATH, Toolchain

__all__ = ["PREFIX", "Scratch", "leftover_folders", "outside_paths"]

PREFIX = "harness-"


@dataclass(frozen=True, slots=True)
class Scratch:
    """Paths; nothing is there before `make`."""

    folder: Path

    @classmethod
    def of(cls, tag: str) -> "Scratch":
        """Its name holds the tag, so that a later start can tell whose it was."""
        return cls(_place() / (PREFIX + tag))

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def bin(self) -> Path:
        """Links to the interpreters, to be put first in PATH."""
        return self.folder / "bin"

    def environment(self, room: Room, toolchain: Toolchain) -> dict[str, str]:
        """The whole environment of the start, its tag included. Raises IsolationError."""
        path = (str(self.bin), *SYSTEM_PATH, *toolchain.path)
        env = environment(room, outside_paths(room), str(self.home), str(self.tmp), path)
        return {**env, TAG: self.folder.name.removeprefix(PREFIX)}

    def make(self, toolchain: Toolchain) -> None:
        self.folder.mkdir(mode=0o700)
        for folder in (self.home, self.tmp, self.bin):
            folder.mkdir()
        for name, program in toolchain.links:
            (self.bin / name).symlink_to(program)


def _place() -> Path:
    import tempfile

    return Path(tempfile.gettempdir()).resolve()


def leftover_folders() -> Iterator[tuple[str, Path]]:
    """`(tag, folder)` of every start whose folders are still there."""
    for folder in _place().glob(f"{PREFIX}*"):
        yield folder.name.removeprefix(PREFIX), folder


def outside_paths(room: Room) -> dict[str, str]:
    """Where there is no mount namespace, inside and outside paths are the same."""
    paths = {"PLUGIN_ROOT": str(room.root), "PLUGIN_DATA": str(room.data)}
    if room.workspace is not None:
        paths["HARNESSGYM_WORKSPACE"] = str(room.workspace)
    return paths
