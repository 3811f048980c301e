"""What is removed only because somebody asked for it: objects that nothing needs, evidence, old versions."""

import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.lifecycle import Registry, decode_registry
from harnessgym_mcp.store.atomic import locked
from harnessgym_mcp.store.home import hex_of
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.store.swap import condemn, remove_tree
from harnessgym_mcp.store.verdicts import Published

__all__ = ["Stored", "forget_versions", "needed_digests", "published", "remove_evidence", "remove_object", "stored"]


class Stored(msgspec.Struct, frozen=True):
    """One tree in the object store; `digest` is "" for a damaged one that was set aside. `age` in seconds."""

    path: Path
    digest: str
    age: float
    bytes: int


def stored(stores: Stores) -> list[Stored]:
    """Every tree of this machine's object store, whoever put it there."""
    folder = stores.home.state / "objects"
    names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    whole = [n for n in names if len(n) == 64 and set(n) <= set("0123456789abcdef")]
    damaged = [n for n in names if ".corrupt-" in n]
    found = [(folder / n, f"sha256:{n}") for n in whole] + [(folder / n, "") for n in damaged]
    return [Stored(path, digest, time.time() - path.lstat().st_mtime, weight(path)) for path, digest in found]


def weight(path: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            total += os.lstat(os.path.join(folder, name)).st_size
    return total


def published(stores: Stores) -> Iterator[Published]:
    """Every version that was ever published on this machine."""
    for path in sorted((stores.home.state / "versions").glob("*.json")):
        if len(path.stem) == 64 and (found := stores.verdicts.load_version(f"sha256:{path.stem}")):
            yield found


def needed_digests(stores: Stores) -> tuple[set[str], list[str]]:
    """Digests that some home of this machine lists, and the homes that are gone. A home whose registry cannot be read
    counts as needing all that was ever published in it."""
    needed = _listed(stores.registry.load())
    homes: dict[str, set[str]] = {}
    for version in published(stores):
        for home in version.homes:
            homes.setdefault(home, set()).add(version.version.digest)
    gone = []
    for home, digests in homes.items():
        if home == str(stores.home.root):
            continue
        if not Path(home).is_dir():
            gone.append(home)
            continue
        try:
            needed |= _listed(decode_registry((Path(home) / "registry.json").read_bytes()))
        except (OSError, msgspec.MsgspecError):
            needed |= digests
    return needed, sorted(gone)


def _listed(registry: Registry) -> set[str]:
    return {version.digest for artifact in registry.artifacts.values() for version in artifact.versions}


def remove_object(stores: Stores, path: Path) -> None:
    """Remove a tree of the object store. Raises StateError."""
    with locked(stores.home.state / ".lock", stores.lock):
        if os.path.lexists(path):
            condemn(path)


def remove_evidence(stores: Stores, name: str, digest: str) -> None:
    """Remove the evidence of a rejected tree and its entry. Raises StateError."""
    with stores.held():
        folder = stores.home.quarantined(name, digest)
        if os.path.lexists(folder):
            condemn(folder)
        if folder.parent.is_dir() and not any(folder.parent.iterdir()):
            remove_tree(folder.parent)
        stores.registry.update(lambda registry: lifecycle.lift(registry, name, {digest}))


def forget_versions(stores: Stores, name: str, digests: Collection[str]) -> None:
    """Take versions out of the registry; their trees are then like any others that nothing needs. Raises StateError."""
    for digest in digests:
        hex_of(digest)
    with stores.held():
        stores.registry.update(lambda registry: lifecycle.forget(registry, name, digests))
