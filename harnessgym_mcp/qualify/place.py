"""Where a room is, and what was in its workspace before."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.proc.room import Bind, Guise

__all__ = ["Place", "Stamp", "file_stamps"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room is: outside paths, and how it looks inside."""

    root: Path
    data: Path
    home: Path  # of the decoys
    workspace: Path | None
    guise: Guise
    binds: tuple[Bind, ...] = ()
    path_first: tuple[str, ...] = ()
    tempting: bool = False  # everything can be written, to see what is
    before: Mapping[str, "Stamp"] = field(default_factory=dict)  # the workspace's files

    def changed_files(self) -> set[str]:
        """Files of the workspace that were made, changed or removed."""
        after = file_stamps(self.workspace) if self.workspace else {}
        return {p for p in self.before.keys() | after.keys() if self.before.get(p) != after.get(p)}


Stamp = tuple[int, int, int]


def file_stamps(folder: Path) -> dict[str, Stamp]:
    """`(size, time of change, inode)` of each entry below a folder, caches left out."""
    stamps = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f != "__pycache__"]
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            found = os.lstat(path)
            size = 0 if name in folders else found.st_size
            stamps[os.path.relpath(path, folder)] = (size, 0 if name in folders else found.st_mtime_ns, found.st_ino)
    return stamps
