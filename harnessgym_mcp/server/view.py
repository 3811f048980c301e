"""One look at the home: what should be mounted, what waits for qualification, what is wrong. Changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.core.lifecycle import Artifact, Registry, Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.store.tree import TreeRefused, survey

__all__ = ["View", "look"]


@dataclass(frozen=True, slots=True)
class View:
    """What one look found. `waiting` maps names to (digest, why, tree), `problems` names to what is wrong."""

    registry: Registry
    desired: Mapping[str, Version]
    waiting: Mapping[str, tuple[str, str, Path]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def look(stores: Stores, policy: Policy, trees: bool = True) -> View:
    """Compare the registry with this machine's verdicts; with `trees`, also with the folders in generated/.

    Blocks. Raises StateError when the registry cannot be read.
    """
    found = _Looking(stores, policy)
    found.at_registry()
    if trees:
        found.at_trees()
    return View(found.registry, found.desired, found.waiting, found.problems)


class _Looking:
    def __init__(self, stores: Stores, policy: Policy) -> None:
        self._stores = stores
        self._policy = policy
        self.registry = stores.registry.load()
        self.desired: dict[str, Version] = {}
        self.waiting: dict[str, tuple[str, str, Path]] = {}
        self.problems: dict[str, str] = {}

    def at_registry(self) -> None:
        for artifact in self.registry.artifacts.values():
            if artifact.status == "active" and artifact.versions:
                self._judge(artifact)

    def _judge(self, artifact: Artifact) -> None:
        name, verdicts = artifact.name, self._stores.verdicts
        verdict = verdicts.load(artifact.current)
        if verdict and verdict.qualified:
            self.desired[name] = artifact.version
        elif verdict:
            self.problems[name] = "this machine's clean room rejected it: " + _reasons([f.id for f in verdict.errors])
        elif verdicts.tampered(artifact.current):
            self.problems[name] = "its verdict was changed by hand; `harnessgym requalify` makes a new one"
        else:
            why = "it has no verdict from this machine"
            self.waiting[name] = (artifact.current, why, self._stores.home.generated(name))

    def at_trees(self) -> None:
        """Edits by hand: a changed tree waits for qualification while the qualified version stays mounted, a new
        one waits, and one that is gone is unmounted."""
        moving = self._stores.under_way()  # their folders may lag behind the registry: no hand edit
        found = self._trees()
        for name, tree in found.items():
            artifact = self.registry.artifacts.get(name)
            if name not in moving and not (artifact and artifact.status == "archived"):
                self._compare(name, tree, artifact.current if artifact else "")
        for name, artifact in self.registry.artifacts.items():
            if artifact.status == "active" and name not in found and name not in moving:
                self._gone(artifact)

    def _gone(self, artifact: Artifact) -> None:
        name = artifact.name
        self.desired.pop(name, None)
        self.waiting.pop(name, None)
        back = f"`harnessgym rollback {name} {artifact.current[7:19]}` brings it back"
        self.problems[name] = f"generated/{name} is gone; {back}"

    def _trees(self) -> dict[str, Path]:
        folder = self._stores.home.root / "generated"
        try:
            return {p.name: p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")}
        except OSError:
            return {}

    def _compare(self, name: str, path: Path, current: str) -> None:
        shown = f"generated/{one_line(name, 80)}"
        try:
            tree, refused = survey(path, self._policy.limits)
        except (TreeRefused, HarnessGymError, OSError) as error:
            self.problems[name] = f"{shown} cannot be read: {error}"
            return
        if refused or tree.digest == current:
            if refused:
                self.problems[name] = f"{shown} cannot be taken in: {refused[0][2]}"
            return
        verdict = self._stores.verdicts.load(tree.digest)
        if verdict and not verdict.qualified:
            self.problems[name] = "its edited tree was rejected: " + _reasons([f.id for f in verdict.errors])
        else:
            self.waiting[name] = (tree.digest, "its files were changed" if current else "it is new in generated/", path)


def _reasons(ids: list[str]) -> str:
    return ", ".join(dict.fromkeys(ids)) or "no reason on record"
