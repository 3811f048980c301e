"""The content-addressed store of trees: what is executed comes from here, read-only and checked.

    <state>/objects/<hex>/      one tree each; files 0444 or 0555, folders 0555

Adding is safe against a kill at any step: the tree is built under another name, made durable and read-only, digested
once more, and only then renamed to its digest.
"""

import os
from pathlib import Path

from harnessgym_mcp.core.policy import Limits, Timeouts
from harnessgym_mcp.errors import CorruptError, NotFoundError
from harnessgym_mcp.store.atomic import Step, free_name, fsync_dir, locked, no_step, set_aside, state_error, utc_stamp
from harnessgym_mcp.store.home import hex_of
from harnessgym_mcp.store.swap import building, condemn, finish, remove_tree, swap_in
from harnessgym_mcp.store.tree import UNBOUNDED, Tree, TreeRefused, copy_tree, scan_tree, survey

__all__ = ["ObjectStore"]


class ObjectStore:
    """The trees of one state folder; safe for several processes."""

    def __init__(self, state: Path, *, step: Step = no_step, timeout: float = Timeouts().lock) -> None:
        self._root = state / "objects"
        self._lock = state / ".lock"
        self._step = step
        self._timeout = timeout

    def add(self, source: Path, limits: Limits) -> Tree:
        """Take in a tree; nothing happens when it is here and intact. A damaged copy is set aside and replaced.

        Raises TreeRefused, NotFoundError, StateError.
        """
        tree = scan_tree(source, limits)
        with locked(self._lock, self._timeout):
            if not self.verify(tree.digest):
                self._insert(source, tree)
        return tree

    def path(self, digest: str) -> Path | None:
        """The read-only tree with this digest, or None; not verified here."""
        path = self._root / hex_of(digest)
        return path if path.is_dir() else None

    def verify(self, digest: str, limits: Limits = UNBOUNDED) -> bool:
        """Is the tree here, and exactly what its digest says (with nothing added, not even a cache)?"""
        path = self.path(digest)
        if path is None:
            return False
        tree, problems = survey(path, limits, strict=True)
        return not problems and tree.digest == digest

    def materialise(self, digest: str, target: Path, *, aside: Path | None = None) -> Path | None:
        """Put a writable copy of a tree at `target`, in one rename; what was there is removed if the store holds its
        exact content, else kept: gives the path where it was put (in `aside`, by default beside the target).

        Raises NotFoundError when the tree is not here, CorruptError when it is damaged, StateError.
        """
        with building(target) as new:
            self._copy_out(digest, new)
            self._step("materialised")
            old = swap_in(new, target, self._step)
        return self.retire(old, target.name, aside or target.parent) if old else None

    def retire(self, old: Path, name: str, aside: Path) -> Path | None:
        """Remove a tree whose exact content is in the store; keep any other as `<aside>/<name>.edited-<stamp>`."""
        if self.holds(old):
            condemn(old, self._step)
            self._step("old folder removed")
            return None
        kept = free_name(aside / f"{name}.edited-{utc_stamp()}")
        try:
            aside.mkdir(parents=True, exist_ok=True)
            os.rename(old, kept)
        except OSError as error:
            raise state_error("keep", old, error) from error
        self._step("old folder kept")
        return kept

    def holds(self, folder: Path) -> bool:
        """Could the folder be removed without losing anything but caches?"""
        try:
            tree, problems = survey(folder, UNBOUNDED)
        except NotFoundError:
            return True
        return not problems and not tree.skipped and (not tree.files or self.verify(tree.digest))

    def recover(self) -> list[str]:
        """Remove what killed processes left half-built; tells what was done."""
        with locked(self._lock, self._timeout):
            return finish(self._root, remove_tree)

    def _insert(self, source: Path, tree: Tree) -> None:
        final = self._root / hex_of(tree.digest)
        with building(final) as new:
            self._build(source, new, tree)
            if os.path.lexists(final):
                set_aside(final)
            os.rename(new, final)
        self._step("object renamed in")
        fsync_dir(self._root)

    def _build(self, source: Path, new: Path, tree: Tree) -> None:
        copy_tree(source, new, tree, sync=True)
        self._step("object copied")
        _make_read_only(new)
        self._step("object sealed")
        found, problems = survey(new, UNBOUNDED, strict=True)
        if problems or found.digest != tree.digest:
            raise TreeRefused([(".", "changed", "the copy is not what was scanned"), *problems])

    def _copy_out(self, digest: str, new: Path) -> None:
        path = self.path(digest)
        if path is None:
            raise NotFoundError(f"the content of {digest[:19]} is not on this machine", hint="submit it again")
        tree, problems = survey(path, UNBOUNDED, strict=True)
        if problems or tree.digest != digest:
            raise CorruptError(f"the stored content of {digest[:19]} is damaged", hint="submit it again")
        copy_tree(path, new, tree)


def _make_read_only(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            os.chmod(path, 0o555 if os.stat(path).st_mode & 0o111 else 0o444)
        os.chmod(folder, 0o555)
