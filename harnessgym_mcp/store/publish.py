"""Transitions on disk: publish, reject, rollback, archive, restore, and the recovery from a process that died in one.

Each is entirely done or not at all, whenever the process dies: what a transition needs is put in place first (objects,
verdicts, evidence), then the registry's rename commits it, then `generated/` follows. A mark in `pending/` says what
`generated/<name>` is on its way to; `recover` lets it arrive when the commit was made and forgets the mark otherwise.
Content that exists nowhere else is never removed: it is kept in `aside/`, and told in `Stores.notes`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.lifecycle import Artifact, Registry, Version
from harnessgym_mcp.core.policy import Limits, Policy
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.verdict import Verdict
from harnessgym_mcp.errors import HarnessGymError, NotFoundError, StateError
from harnessgym_mcp.store.atomic import Step, fsync_dir, locked, no_step, remove_partial, state_error, write_atomic
from harnessgym_mcp.store.evidence import write_evidence
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.objects import ObjectStore
from harnessgym_mcp.store.rebuild import quarantine_entry, subfolders, with_evidence
from harnessgym_mcp.store.registry import RegistryStore
from harnessgym_mcp.store.swap import building, condemn, finish, remove_tree, swap_in, swap_out
from harnessgym_mcp.store.tree import UNBOUNDED, survey
from harnessgym_mcp.store.verdicts import Published, VerdictStore

__all__ = ["Stores", "archive", "publish", "rebuild", "recover", "reject", "restore", "rollback"]

Change = Callable[[Registry], Registry]


class _Goal(msgspec.Struct, frozen=True):
    """What a mark says: the artifact's state once the transition is committed."""

    digest: str
    status: Literal["active", "archived"]


@dataclass(slots=True)
class Stores:
    """All that a transition touches. `notes` tells what was kept aside or could not be done."""

    home: Home
    registry: RegistryStore
    objects: ObjectStore
    verdicts: VerdictStore
    limits: Limits
    lock: float
    step: Step = no_step
    notes: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, home: Home, policy: Policy | None = None, *, step: Step = no_step) -> "Stores":
        policy = policy or Policy()
        lock = policy.timeouts.lock
        return cls(
            home,
            RegistryStore(home, step=step, timeout=lock),
            ObjectStore(home.state, step=step, timeout=lock),
            VerdictStore(home.state, step=step, timeout=lock),
            policy.limits,
            lock,
            step,
        )

    def under_way(self) -> set[str]:
        """Names whose `generated/` folder may lag behind the registry just now: a difference there is no hand edit.

        Ask after reading the registry and before looking at the folders; then no transition can slip through between.
        """
        try:
            return set(os.listdir(self.home.root / "pending"))
        except OSError:
            return set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """No other transition of this home meanwhile."""
        with locked(self.home.lock("store"), self.lock):
            yield


def publish(
    stores: Stores,
    name: str,
    source: Path,
    verdict: Verdict,
    version: Version,
    kind: Literal["server", "skill"] = "server",
    extends: str = "",
) -> Registry:
    """Make a qualified tree the artifact's current version (unless the artifact is pinned).

    Raises StateError when the tree is not what was judged, TreeRefused, NotFoundError, LockedError.
    """
    if not (verdict.qualified and verdict.digest == version.digest):
        raise StateError(f"{name} has no verdict that allows publishing it", hint="submit it again")
    with stores.held():
        tree = stores.objects.add(source, stores.limits)
        if tree.digest != verdict.digest:
            raise StateError(f"{name} changed after it was judged", hint="submit it again")
        stores.verdicts.save(verdict)
        homes = [str(stores.home.root)]
        stores.verdicts.save_version(Published(name=name, kind=kind, version=version, extends=extends, homes=homes))

        def change(registry: Registry) -> Registry:
            return lifecycle.publish(registry, name, version, kind=kind, extends=extends)

        return _transition(stores, name, _Goal(version.digest, "active"), change)


def reject(stores: Stores, name: str, source: Path, verdict: Verdict, iteration: str = "") -> Path:
    """Keep a rejected tree as evidence and list it as quarantined; gives the evidence's folder.

    A version of the same name that is mounted stays so. Raises NotFoundError, StateError, LockedError.
    """
    place = stores.home.quarantined(name, verdict.digest)
    with stores.held():
        _make(place.parent)
        with building(place) as new:
            write_evidence(source, new, verdict, stores.limits)
            stores.step("evidence written")
            former = swap_in(new, place, stores.step)
        if former:
            condemn(former, stores.step)
        _save_rejection(stores, verdict)
        entry = msgspec.structs.replace(quarantine_entry(verdict, iteration), name=name)
        stores.registry.update(lambda registry: lifecycle.quarantine(registry, entry))
    return place


def rollback(stores: Stores, name: str, digest: str = "") -> Registry:
    """Make a former version current: the one whose digest starts with `digest`, or the one before the current.

    Raises NotFoundError, StateError when its content is not on this machine, LockedError.
    """
    with stores.held():
        wanted = lifecycle.rollback(stores.registry.load(), name, digest).artifacts[name].current
        _need(stores, name, wanted)
        return _transition(stores, name, _Goal(wanted, "active"), lambda r: lifecycle.rollback(r, name, wanted))


def archive(stores: Stores, name: str) -> Registry:
    """Take an artifact out of use; its versions stay in the store. Raises NotFoundError, StateError, LockedError."""
    with stores.held():
        artifact = lifecycle.find(stores.registry.load(), name)
        if not _available(stores, name, artifact.current):
            stores.notes.append(f"the content of {name} is not on this machine: `restore` cannot bring it back here")
        return _transition(stores, name, _Goal(artifact.current, "archived"), lambda r: lifecycle.archive(r, name))


def restore(stores: Stores, name: str) -> Registry:
    """Bring an archived artifact back. Raises NotFoundError, StateError when its content is not on this machine."""
    with stores.held():
        artifact = lifecycle.find(stores.registry.load(), name)
        _need(stores, name, artifact.current)
        return _transition(stores, name, _Goal(artifact.current, "active"), lambda r: lifecycle.restore(r, name))


def rebuild(stores: Stores) -> list[str]:
    """Put the registry together again from `generated/`, `quarantine/` and this machine's verdicts; notes on it."""
    with stores.held():
        stores.registry.rebuild()
    return stores.registry.notes


def recover(home: Home, policy: Policy | None = None) -> list[str]:
    """Finish or undo what a killed process left; tells what was done. Cheap when there is nothing to do.

    Never raises for the state of the disk: a home that cannot be written is left as it is, with a note.
    """
    stores = Stores.open(home, policy)
    try:
        with stores.held():
            return _recover(stores)
    except HarnessGymError as error:
        return [f"not recovered: {error.message}"]


def _recover(stores: Stores) -> list[str]:
    root = stores.home.root
    done = stores.objects.recover()
    if removed := stores.verdicts.recover():
        done.append(f"removed {removed} half-written verdict files")
    done += finish(root / "generated", lambda old: _retire(stores, old, "generated"))
    for folder in subfolders(root / "quarantine"):
        done += finish(folder, remove_tree)
    if not os.path.lexists(stores.home.registry) and subfolders(root / "generated"):
        stores.registry.rebuild()
    stores.registry.update(lambda registry: with_evidence(stores.home, registry))
    remove_partial(root / "pending" / "*")
    done += [_arrive(stores, name) for name in sorted(os.listdir(root / "pending"))]
    return done + stores.registry.notes + stores.notes


def _transition(stores: Stores, name: str, goal: _Goal, change: Change) -> Registry:
    mark = stores.home.pending(name)
    write_atomic(mark, msgspec.json.encode(goal), step=stores.step)
    stores.step("marked")
    try:
        registry = stores.registry.update(change)
    except BaseException:
        _unmark(mark)
        raise
    try:
        _follow(stores, registry.artifacts[name], goal)
    except HarnessGymError as error:  # the commit stands; the mark stays for `recover`
        stores.notes.append(f"generated/{name} does not show the change yet: {error.message}")
        return registry
    stores.step("followed")
    _unmark(mark)
    return registry


def _unmark(mark: Path) -> None:
    mark.unlink(missing_ok=True)
    fsync_dir(mark.parent)


def _arrive(stores: Stores, name: str) -> str:
    """Let `generated/<name>` follow a transition that was committed, and remove its mark."""
    mark = stores.home.root / "pending" / name
    try:
        goal = decoded(mark.read_bytes(), _Goal)
        _follow(stores, lifecycle.find(stores.registry.load(), name), goal)
        done = f"finished an interrupted transition of {name}"
    except (msgspec.MsgspecError, NotFoundError):
        done = f"forgot an interrupted transition of {name}"
    _unmark(mark)
    return done


def _follow(stores: Stores, artifact: Artifact, goal: _Goal) -> None:
    """Make `generated/<name>` what the registry says, if that is what was intended (a pinned artifact stays)."""
    place = stores.home.generated(artifact.name)
    if (artifact.current, artifact.status) != (goal.digest, goal.status):
        return
    if goal.status == "active" and not _shows(place, goal.digest):
        _kept(stores, artifact.name, stores.objects.materialise(goal.digest, place, aside=stores.home.aside))
    if goal.status == "archived" and os.path.lexists(place):
        _retire(stores, swap_out(place, stores.step), artifact.name)


def _retire(stores: Stores, old: Path, name: str) -> None:
    _kept(stores, name, stores.objects.retire(old, name, stores.home.aside))


def _kept(stores: Stores, name: str, kept: Path | None) -> None:
    if kept:
        stores.notes.append(f"generated/{name} held content that is nowhere else; it was kept as {str(kept)!r}")


def _shows(place: Path, digest: str) -> bool:
    try:
        tree, problems = survey(place, UNBOUNDED)
    except NotFoundError:
        return False
    return not problems and tree.digest == digest


def _available(stores: Stores, name: str, digest: str) -> bool:
    """Is a version's content in the store, or else in `generated/`, from where it is then taken in?"""
    if stores.objects.verify(digest):
        return True
    place = stores.home.generated(name)
    return _shows(place, digest) and stores.objects.add(place, stores.limits).digest == digest


def _need(stores: Stores, name: str, digest: str) -> None:
    if not _available(stores, name, digest):
        hint = "take generated/ from version control and submit it again, or choose another version"
        raise StateError(f"the content of {name} at {digest[:19]} is not on this machine", hint=hint)


def _save_rejection(stores: Stores, verdict: Verdict) -> None:
    """Remember the rejection, except where this very tree has qualified before: a mounted version keeps its verdict."""
    former = stores.verdicts.load(verdict.digest)
    if not (former and former.qualified):
        stores.verdicts.save(verdict)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise state_error("make", folder, error) from error
