"""A lost registry, put together again from what lies on disk and what this machine has judged."""

import os
from pathlib import Path

import msgspec

from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.lifecycle import Quarantined, Registry
from harnessgym_mcp.core.names import check_artifact_name
from harnessgym_mcp.core.verdict import Verdict
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.store.evidence import read_evidence
from harnessgym_mcp.store.home import Home, hex_of
from harnessgym_mcp.store.objects import ObjectStore
from harnessgym_mcp.store.tree import UNBOUNDED, survey
from harnessgym_mcp.store.verdicts import Published, VerdictStore

__all__ = ["quarantine_entry", "rebuilt", "subfolders", "with_evidence"]


def rebuilt(home: Home) -> tuple[Registry, list[str]]:
    """The registry as far as it can be known, and notes on what could not.

    Versions come from this machine's signed records, the current ones from `generated/`, rejected trees from
    `quarantine/`. What is not in `generated/` is archived; what has no verdict from this machine is left out, to be
    judged again.
    """
    verdicts, objects = VerdictStore(home.state), ObjectStore(home.state)
    registry = Registry()
    for published in verdicts.versions_of(home.root):
        if _qualified(verdicts, published) and objects.path(published.version.digest):
            registry = _add(registry, published)
    registry, notes = _current(home, verdicts, registry)
    for name in registry.artifacts:
        if not home.generated(name).is_dir():
            registry = lifecycle.archive(registry, name)
            notes.append(f"{name} is not in generated/: archived; `restore` brings it back")
    return with_evidence(home, registry), notes


def quarantine_entry(verdict: Verdict, iteration: str = "") -> Quarantined:
    """The registry's entry for a rejected tree."""
    errors = verdict.errors
    return Quarantined(
        name=verdict.name,
        digest=verdict.digest,
        reason=errors[0].what if errors else "rejected",
        at=verdict.started_at,
        findings=list(dict.fromkeys(f.id for f in errors)),
        iteration=iteration,
    )


def with_evidence(home: Home, registry: Registry) -> Registry:
    """The registry with entries for all evidence in `quarantine/` that it does not know of."""
    known = {v.digest for a in registry.artifacts.values() for v in a.versions}
    known |= {q.digest for q in registry.quarantine}
    folders = {hex_of(digest)[:12] for digest in known}
    for name in subfolders(home.root / "quarantine"):
        for folder in subfolders(name):
            if folder.name not in folders:
                registry = _adopt(registry, name.name, folder)
    return registry


def _adopt(registry: Registry, name: str, folder: Path) -> Registry:
    try:
        entry = quarantine_entry(read_evidence(folder))
        if folder.name != hex_of(entry.digest)[:12]:
            return registry
        return lifecycle.quarantine(registry, msgspec.structs.replace(entry, name=check_artifact_name(name)))
    except HarnessGymError:
        return registry


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, by name; hidden ones, links and files are left out, a missing folder has none."""
    try:
        with os.scandir(folder) as found:
            names = [e.name for e in found if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _qualified(verdicts: VerdictStore, published: Published) -> bool:
    verdict = verdicts.load(published.version.digest)
    return verdict is not None and verdict.qualified and verdict.name == published.name


def _add(registry: Registry, published: Published) -> Registry:
    return lifecycle.publish(
        registry, published.name, published.version, kind=published.kind, extends=published.extends
    )


def _current(home: Home, verdicts: VerdictStore, registry: Registry) -> tuple[Registry, list[str]]:
    notes = []
    for folder in subfolders(home.root / "generated"):
        digest = survey(folder, UNBOUNDED)[0].digest
        published = verdicts.load_version(digest)
        if published and published.name == folder.name and _qualified(verdicts, published):
            registry = _add(registry, published)
        else:
            notes.append(f"generated/{folder.name} has no verdict from this machine: it has to be qualified again")
    return registry, notes
