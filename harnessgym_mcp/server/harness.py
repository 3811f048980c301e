"""The home as this process sees it: what should be mounted, what waits for qualification, what is wrong.

`refresh` looks at the disk (in a thread) and reconciles; it may be called at any time and as often as one likes. A
tree without a verdict from this machine is not mounted: it is qualified in the background first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.core.lifecycle import Registry, Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, StateError
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.store.tree import TreeRefused, survey
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Harness", "Requalify", "View"]

logger = logging.getLogger(__name__)

Requalify = Callable[[str, Path], Awaitable[str]]
"""Qualify the tree at a path under a name and publish it; the reason when it is rejected, else ""."""


@dataclass(frozen=True, slots=True)
class View:
    """One look at the disk."""

    registry: Registry
    desired: Mapping[str, Version]
    waiting: Mapping[str, tuple[str, str, Path]] = field(default_factory=dict)  # name -> (digest, why, tree)
    problems: Mapping[str, str] = field(default_factory=dict)


class Harness:
    """Keeps the mount table true to the home."""

    def __init__(
        self, stores: Stores, policy: Policy, table: MountTable, requalify: Requalify, announce: Callable[[str], None]
    ) -> None:
        self.registry = Registry()
        self.active: dict[str, Version] = {}  # shared with whoever shows skills
        self.pending: dict[str, str] = {}  # name -> why it is being qualified
        self.problems: dict[str, str] = {}  # name -> what is wrong
        self._home = stores.home
        self._policy = policy
        self._table = table
        self._requalify = requalify
        self._announce = announce
        self._stores = stores
        self._tried: set[tuple[str, str]] = set()
        self._lock = asyncio.Lock()
        self._jobs: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def refresh(self, *, trees: bool = True) -> bool:
        """Look and reconcile; True when the list of tools has changed. `trees`: also look for edits in generated/."""
        async with self._lock:
            try:
                view = await asyncio.to_thread(self._look, trees)
            except StateError as error:
                self.problems["registry.json"] = f"{error.message} ({error.hint})"
                logger.warning("the registry cannot be read: %s", error.message)
                return False
            return self._apply(view)

    def load(self) -> None:
        """The first look, before any client is answered: the registry alone."""
        try:
            self._apply(self._look(trees=False))
        except StateError as error:
            self.problems["registry.json"] = f"{error.message} ({error.hint})"

    @property
    def notes(self) -> list[str]:
        """What recovery had to do."""
        kept = [] if self._home.grantable_workspace else [_NO_WORKSPACE]
        return [
            *kept,
            *self._home.notes,
            *self._stores.registry.notes,
            *self._stores.notes,
            *self._stores.verdicts.notes,
        ]

    def _apply(self, view: View) -> bool:
        skills_before = {name: version.skills for name, version in self.active.items()}
        self.registry = view.registry
        self.problems = dict(view.problems)
        self.active.clear()
        self.active.update(view.desired)
        changed = self._table.reconcile(view.desired)
        for name, (digest, why, tree) in view.waiting.items():
            if (name, digest) not in self._tried:
                self._tried.add((name, digest))
                self._start_requalify(name, why, tree)
        if changed:
            self._announce("tools")
        if skills_before != {name: version.skills for name, version in self.active.items()}:
            self._announce("resources")
        return changed

    # ---- looking

    def _look(self, trees: bool) -> View:
        registry = self._stores.registry.load()
        desired: dict[str, Version] = {}
        waiting: dict[str, tuple[str, str, Path]] = {}
        problems: dict[str, str] = {}
        for name, artifact in registry.artifacts.items():
            if artifact.status != "active" or not artifact.versions:
                continue
            verdict = self._stores.verdicts.load(artifact.current)
            if verdict and verdict.qualified:
                desired[name] = artifact.version
            elif verdict:
                problems[name] = "this machine's clean room rejected it: " + _reasons([f.id for f in verdict.errors])
            elif self._stores.verdicts.tampered(artifact.current):
                problems[name] = "its verdict was changed by hand; `harnessgym requalify` makes a new one"
            else:
                why = "it has no verdict from this machine"
                waiting[name] = (artifact.current, why, self._home.generated(name))
        if trees:
            self._look_at_trees(registry, desired, waiting, problems)
        return View(registry, desired, waiting, problems)

    def _look_at_trees(
        self,
        registry: Registry,
        desired: dict[str, Version],
        waiting: dict[str, tuple[str, str, Path]],
        problems: dict[str, str],
    ) -> None:
        """Edits by hand: a changed tree waits for qualification while the qualified version stays mounted, a new
        one waits, and one that is gone is unmounted."""
        moving = self._stores.under_way()  # their folders may lag behind the registry: no hand edit
        found = self._trees()
        for name, tree in found.items():
            artifact = registry.artifacts.get(name)
            if name in moving or (artifact and artifact.status == "archived"):
                continue
            self._compare(name, tree, artifact.current if artifact else "", waiting, problems)
        for name, artifact in registry.artifacts.items():
            if artifact.status == "active" and name not in found and name not in moving:
                desired.pop(name, None)
                waiting.pop(name, None)
                problems[name] = (
                    f"generated/{name} is gone; `harnessgym rollback {name} {artifact.current[7:19]}` brings it back"
                )

    def _trees(self) -> dict[str, Path]:
        folder = self._home.root / "generated"
        try:
            return {p.name: p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")}
        except OSError:
            return {}

    def _compare(
        self, name: str, path: Path, current: str, waiting: dict[str, tuple[str, str, Path]], problems: dict[str, str]
    ) -> None:
        try:
            tree, refused = survey(path, self._policy.limits)
        except (TreeRefused, HarnessGymError, OSError) as error:
            problems[name] = f"generated/{one_line(name, 80)} cannot be read: {error}"
            return
        if refused or tree.digest == current:
            if refused:
                problems[name] = f"generated/{one_line(name, 80)} cannot be taken in: {refused[0][2]}"
            return
        verdict = self._stores.verdicts.load(tree.digest)
        if verdict and not verdict.qualified:
            problems[name] = "its edited tree was rejected: " + _reasons([f.id for f in verdict.errors])
        else:
            waiting[name] = (tree.digest, "its files were changed" if current else "it is new in generated/", path)

    # ---- qualification in the background

    def _start_requalify(self, name: str, why: str, tree: Path) -> None:
        self.pending[name] = why
        job = asyncio.create_task(self._run_requalify(name, tree))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _run_requalify(self, name: str, tree: Path) -> None:
        try:
            async with self._one_at_a_time:
                failed = await self._requalify(name, tree)
            if failed:
                logger.warning("%s was not qualified: %s", one_line(name, 80), failed)
        except HarnessGymError as error:
            logger.warning("%s could not be qualified: %s", one_line(name, 80), error.message)
        finally:
            self.pending.pop(name, None)
        await self.refresh()

    def drifted(self, mount: Mount, changed: list[str]) -> None:
        """A server lists other tools than those that were qualified: its tools leave the list, it is judged anew."""
        logger.warning("%s drifted: %s", mount.name, one_line(", ".join(changed), 200))
        if self._table.drop_drifted():
            self._announce("tools")
        key = (mount.name, mount.version.digest)
        if key not in self._tried:
            self._tried.add(key)
            self._start_requalify(mount.name, mount.last_error, self._home.generated(mount.name))

    async def close(self) -> None:
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)


_NO_WORKSPACE = (
    "the workspace holds this machine's private state, so that no tool is granted it; --workspace names a project"
)


def _reasons(ids: list[str]) -> str:
    return ", ".join(dict.fromkeys(ids)) or "no reason on record"
