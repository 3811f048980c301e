"""What a home and this machine no longer need: listed first, removed when told to.

Nothing that has qualified is removed unless it is named: an old version by its artifact's name, a whole archived
artifact by its name, a tree of a workspace that is gone by the first digits of its digest.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.lifecycle import Artifact, Registry, Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import HarnessGymError, NotFoundError
from harnessgym_mcp.proc.environments import Environments
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.store.removal import (
    Stored,
    forget_versions,
    needed_digests,
    published,
    remove_evidence,
    remove_object,
    stored,
    weight,
)

__all__ = ["Item", "plan", "prune"]

_LEAST_DIGITS = 8


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that could go. `named`: it goes only when it is named, and has been if `chosen`."""

    kind: Literal["object", "version", "artifact", "evidence", "environment"]
    why: str
    name: str = ""
    digest: str = ""
    path: str = ""
    bytes: int = 0
    named: bool = False
    chosen: bool = True


def plan(stores: Stores, policy: Policy, names: Collection[str] = ()) -> list[Item]:
    """All that could go, most harmless first. Raises NotFoundError for a name that means nothing here."""
    registry = stores.registry.load()
    wanted = set(names)
    needed, gone = needed_digests(stores)
    found = [
        *_environments(stores, policy, needed),
        *_evidence(stores, registry),
        *_objects(stores, policy, needed, gone, wanted),
        *_versions(stores, policy, registry, wanted),
    ]
    _check(registry, wanted, found)
    return found


def _check(registry: Registry, wanted: set[str], found: list[Item]) -> None:
    for name in sorted(wanted):
        if name not in registry.artifacts and not any(i.chosen and i.named and _means(name, i.digest) for i in found):
            raise NotFoundError(
                f"{name[:80]!r} is neither an artifact nor the digest of anything that could go",
                hint=f"give an artifact's name, or at least {_LEAST_DIGITS} digits that `prune --dry-run` lists",
            )


def _means(name: str, digest: str) -> bool:
    plain = name.removeprefix("sha256:")
    return len(plain) >= _LEAST_DIGITS and digest.removeprefix("sha256:").startswith(plain)


def _environments(stores: Stores, policy: Policy, needed: set[str]) -> Iterator[Item]:
    environments = Environments(stores.home.state, policy)
    versions = [p.version for p in published(stores) if p.version.digest in needed]
    versions += [v for a in stores.registry.load().artifacts.values() for v in a.versions]
    keys = {_key(environments, version) for version in versions}
    for folder in environments.kept():
        old = _old(folder, policy)
        if folder.name not in keys and old and not _in_use(folder.name):
            why = (
                "half-built"
                if folder.name.startswith(".")
                else "no version needs these packages, or not for this Python"
            )
            yield Item(kind="environment", why=why, path=str(folder), bytes=weight(folder))


def _key(environments: Environments, version: Version) -> str:
    launch = version.launch
    try:
        return environments.key(launch.packages, launch.python) if launch else ""
    except HarnessGymError:
        return ""


def _old(path: Path, policy: Policy) -> bool:
    import time

    return time.time() - path.lstat().st_mtime > policy.lifecycle.prune_age


def _in_use(key: str) -> bool:
    """Does some process run with it? (Where /proc does not tell, age alone decides.)"""
    for process in Path("/proc").glob("[0-9]*"):
        for file in ("cmdline", "mountinfo"):
            try:
                if key.encode() in (process / file).read_bytes():
                    return True
            except OSError:
                continue
    return False


def _evidence(stores: Stores, registry: Registry) -> Iterator[Item]:
    """Of what was repaired since."""
    current = {(q.name, q.digest) for q in lifecycle.hidden(registry)}
    for entry in registry.quarantine:
        if (entry.name, entry.digest) not in current:
            path = stores.home.quarantined(entry.name, entry.digest)
            why = f"{entry.name} has qualified since"
            size = weight(path)
            yield Item(kind="evidence", why=why, name=entry.name, digest=entry.digest, path=str(path), bytes=size)


def _objects(stores: Stores, policy: Policy, needed: set[str], gone: list[str], wanted: set[str]) -> Iterator[Item]:
    qualified = {p.version.digest: p for p in published(stores)}
    for tree in stored(stores):
        if tree.digest in needed or tree.age < policy.lifecycle.prune_age:
            continue
        known = qualified.get(tree.digest)
        if known is None:
            why = "a damaged copy that was set aside" if not tree.digest else "left over: no version of any workspace"
            yield _object(tree, why)
        else:
            lost = ", ".join(home for home in known.homes if home in gone) or "no workspace lists it any more"
            chosen = any(_means(name, tree.digest) for name in wanted)
            yield _object(tree, f"a qualified version of {known.name}; {lost}", known.name, named=True, chosen=chosen)


def _object(tree: Stored, why: str, name: str = "", *, named: bool = False, chosen: bool = True) -> Item:
    path = str(tree.path)
    return Item(
        kind="object", why=why, name=name, digest=tree.digest, path=path, bytes=tree.bytes, named=named, chosen=chosen
    )


def _versions(stores: Stores, policy: Policy, registry: Registry, wanted: set[str]) -> Iterator[Item]:
    keep = policy.lifecycle.keep_versions
    for name, artifact in sorted(registry.artifacts.items()):
        if artifact.status == "archived" and name in wanted:
            for version in artifact.versions:
                yield _version(stores, artifact, version, "archived, and named", "artifact", chosen=True)
            continue
        former = [v for v in artifact.versions if v.digest != artifact.current]
        for version in former[: max(len(former) - keep, 0)]:
            why = f"older than the last {keep} beside the current one"
            yield _version(stores, artifact, version, why, "version", chosen=name in wanted)


def _version(
    stores: Stores,
    artifact: Artifact,
    version: Version,
    why: str,
    kind: Literal["version", "artifact"],
    *,
    chosen: bool,
) -> Item:
    path = stores.objects.path(version.digest)
    return Item(
        kind=kind,
        why=why,
        name=artifact.name,
        digest=version.digest,
        path=str(path or ""),
        bytes=weight(path) if path else 0,
        named=True,
        chosen=chosen,
    )


def prune(stores: Stores, policy: Policy, items: Collection[Item]) -> list[str]:
    """Remove the chosen items; tells what could not be. Every step leaves a state that `prune` can go on from."""
    told = []
    for item in items:
        if item.chosen:
            try:
                _remove(stores, policy, item)
            except HarnessGymError as error:
                told.append(f"{item.kind} {item.path}: {error.message}")
    return told


def _remove(stores: Stores, policy: Policy, item: Item) -> None:
    if item.kind == "environment":
        Environments(stores.home.state, policy).remove(Path(item.path))
    elif item.kind == "evidence":
        remove_evidence(stores, item.name, item.digest)
    elif item.kind == "object":
        remove_object(stores, Path(item.path))
    else:
        forget_versions(stores, item.name, {item.digest})
        needed, _ = needed_digests(stores)
        if item.path and item.digest not in needed:
            remove_object(stores, Path(item.path))
