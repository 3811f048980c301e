"""Whole folders replaced and removed: the new one is built beside, the old one renamed away, the new one renamed in.

A process that dies between the two renames leaves `.<name>.old-*` and `.<name>.new-*` beside the place; `finish`
brings back the old folder, or lets go of it when the new one has come in.
"""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harnessgym_mcp.store.atomic import Step, fsync_dir, no_step, state_error

__all__ = ["building", "condemn", "finish", "remove_tree", "swap_in", "swap_out"]

_LEFT = re.compile(r"\.(.+)\.(new|old)-[0-9a-f]{12}\Z")


@contextmanager
def building(place: Path) -> Iterator[Path]:
    """A free name beside `place` for building what will be put there; what was built is removed when that fails.

    An OSError becomes a StateError about `place`.
    """
    new = _beside(place, "new")
    try:
        yield new
    except OSError as error:
        remove_tree(new)
        raise state_error("build", place, error) from error
    except BaseException:
        remove_tree(new)
        raise


def swap_in(new: Path, place: Path, step: Step = no_step) -> Path | None:
    """Put the folder `new` (from `building`) at `place`; gives the new path of what was there, which is the caller's to
    remove or keep. Raises StateError with the old folder back in its place."""
    old = _beside(place, "old") if os.path.lexists(place) else None
    try:
        if old:
            os.rename(place, old)
            step("old folder renamed away")
        _rename_or_back(new, place, old)
        step("new folder renamed in")
        fsync_dir(place.parent)
    except OSError as error:
        raise state_error("replace", place, error) from error
    return old


def swap_out(place: Path, step: Step = no_step) -> Path:
    """Rename a folder away; gives its new path, which is the caller's to remove or keep. Raises StateError."""
    old = _beside(place, "old")
    try:
        os.rename(place, old)
        step("folder renamed away")
        fsync_dir(place.parent)
    except OSError as error:
        raise state_error("take away", place, error) from error
    return old


def _beside(place: Path, kind: str) -> Path:
    return place.with_name(f".{place.name}.{kind}-{secrets.token_hex(6)}")


def _rename_or_back(new: Path, place: Path, old: Path | None) -> None:
    try:
        os.rename(new, place)
    except OSError:
        if old and not os.path.lexists(place):
            os.rename(old, place)
        raise


def condemn(path: Path, step: Step = no_step) -> None:
    """Remove a folder that nobody needs; a process that dies meanwhile leaves what `finish` knows to be rubbish."""
    rubbish = _beside(path, "new")
    try:
        os.rename(path, rubbish)
    except OSError as error:
        raise state_error("remove", path, error) from error
    step("folder condemned")
    remove_tree(rubbish)


def finish(folder: Path, let_go: Callable[[Path], object]) -> list[str]:
    """Finish what killed processes left in a folder, telling what was done; hold the lock that swappers hold.

    `let_go` decides about a former folder whose successor is in place.
    """
    done = []
    for path, name, kind in _left(folder):
        place = folder / name
        if kind == "new":
            remove_tree(path)
        elif os.path.lexists(place):
            let_go(path)
        else:
            os.rename(path, place)
        done.append(f"finished an interrupted replacement of {str(place)!r}")
    return done


def _left(folder: Path) -> list[tuple[Path, str, str]]:
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    matches = [(folder / n, _LEFT.match(n)) for n in names]
    return [(path, m[1], m[2]) for path, m in matches if m]


def remove_tree(path: Path) -> None:
    """Remove a folder of ours and all in it, read-only or not; a symbolic link is removed itself. Raises StateError."""
    import shutil

    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            return path.unlink()
        for _, _, _, fd in os.fwalk(path):
            os.fchmod(fd, 0o700)
        return shutil.rmtree(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise state_error("remove", path, error) from error
