"""The home as this process sees it: what should be mounted, what waits for qualification, what is wrong.

`refresh` looks at the disk (in a thread) and reconciles; it may be called at any time and as often as one likes. A
tree without a verdict from this machine is not mounted: it is qualified in the background first.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from harnessgym_mcp.core.catalog import Catalog
from harnessgym_mcp.core.exposure import hidden_artifacts, tokens_by_artifact
from harnessgym_mcp.core.frames import encode
from harnessgym_mcp.core.lifecycle import Registry, Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, StateError
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.server.view import View, look
from harnessgym_mcp.store.callstats import tool_stats
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Harness", "Requalify"]

logger = logging.getLogger(__name__)

Requalify = Callable[[str, Path], Awaitable[str]]
"""Qualify the tree at a path under a name and publish it; the reason when it is rejected, else ""."""


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
        self._used: dict[str, float] = {}
        table.exposure = self._hidden
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

    def _look(self, trees: bool) -> View:
        """In a thread, but for the first look."""
        view = look(self._stores, self._policy, trees=trees)
        self._used = self._in_use(view)
        return view

    def _in_use(self, view: View) -> dict[str, float]:
        """When each artifact was last called or published, lately; not asked while all fit the context budget."""
        context = self._policy.context
        size = sum(len(encode(v.tools)) for v in view.desired.values())
        if context.expose != "auto" or size < context.budget_tokens * 2:
            return {}
        since = time.time() - context.recent_days * 86400
        used = {name: v.published_at for name, v in view.desired.items() if v.published_at >= since}
        for row in tool_stats(self._home, since=since, left=False):
            used[row.artifact] = max(used.get(row.artifact, 0.0), row.last_at)
        return used

    def _hidden(self, catalog: Catalog) -> frozenset[str]:
        pinned = [a.name for a in self.registry.artifacts.values() if a.pinned]
        return hidden_artifacts(tokens_by_artifact(catalog.tools), self._policy.context, pinned, self._used)

    def _apply(self, view: View) -> bool:
        skills_before = _skills(self.active)
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
        if skills_before != _skills(self.active):
            self._announce("resources")
            self._announce("prompts")
        return changed

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


def _skills(active: Mapping[str, Version]) -> dict[str, str]:
    """What clients see of skills: they are served from each version's tree."""
    return {name: version.digest for name, version in active.items() if version.skills}
