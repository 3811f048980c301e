"""Putting a kept state back into the workspace, losing nothing: what is in the way is moved aside, never deleted."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.gym.checkpoint import Checkpoints, Kept, Snapshot, content_digest, look, place_of, put
from harnessgym_mcp.store.atomic import free_name, state_error

__all__ = ["Change", "put_back"]


@dataclass(frozen=True, slots=True)
class Change:
    """What putting a state back did: entries written, and the relative paths that were moved aside."""

    written: int
    aside: tuple[str, ...]


def put_back(workspace: Path, snapshot: Snapshot, checkpoints: Checkpoints, aside: Path) -> Change:
    """Make the workspace what it was. What is there and was not, or was otherwise, goes below `aside`.

    Done twice, the second time changes nothing; interrupted, it is completed by the next. Raises StateError.
    """
    work = _Work(workspace, aside)
    try:
        wanted = {entry.path: entry for entry in snapshot.entries}
        present = {entry.path: entry for entry in look(workspace, checkpoints.leave, [])}
        for entry in present.values():
            if entry.kind != "folder" and not _same(workspace, entry, wanted.get(entry.path)):
                work.move(place_of(workspace, entry))
        for entry in reversed(present.values()):
            if entry.kind == "folder" and entry.path not in wanted:
                work.drop_if_empty(place_of(workspace, entry))
        for entry in snapshot.entries:
            work.put(entry, checkpoints.blob(entry))
    except OSError as error:
        raise state_error("put back the state of", workspace, error) from error
    return Change(work.written, tuple(work.moved))


class _Work:
    def __init__(self, workspace: Path, aside: Path) -> None:
        self.workspace = workspace
        self.aside = aside
        self.written = 0
        self.moved: list[str] = []

    def move(self, path: Path) -> None:
        relative = path.relative_to(self.workspace)
        target = free_name(self.aside / relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
        self.moved.append(str(relative))

    def drop_if_empty(self, folder: Path) -> None:
        """A folder that was not there; what is left alone within it keeps it."""
        if not os.listdir(folder):
            folder.rmdir()

    def put(self, entry: Kept, blob: Path) -> None:
        place = place_of(self.workspace, entry)
        if os.path.lexists(place):
            if _kind(place) == entry.kind:
                return
            self.move(place)
        put(entry, place, blob)
        self.written += 1


def _kind(path: Path) -> str:
    if path.is_symlink():
        return "link"
    return "folder" if path.is_dir() else "file" if path.is_file() else "other"


def _same(workspace: Path, present: Kept, wanted: Kept | None) -> bool:
    if wanted is None or wanted.kind != present.kind:
        return False
    if present.kind == "link":
        return present.content == wanted.content
    if (present.size, present.mode) != (wanted.size, wanted.mode):
        return False
    return content_digest(place_of(workspace, present)) == wanted.content
