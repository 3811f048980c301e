"""The bundle under test: the artifacts of a home, copied together, and qualified on this machine once.

A version that qualified here before is not judged again: its verdict is this machine's own. What does not qualify is
left out, as the server would not mount it either, and the plan says so.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from harnessgym_mcp.core.lifecycle import Registry, Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.trials import Bundle
from harnessgym_mcp.errors import NotFoundError, UsageError
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_folders import keep_folder
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.store.atomic import locked, state_error
from harnessgym_mcp.store.home import DEFAULT_HOME, Home
from harnessgym_mcp.store.publish import Stores, publish
from harnessgym_mcp.store.tree import copy_tree, scan_tree

__all__ = ["active", "bundle_of", "gather", "qualified_home"]

Say = Callable[[str], None]


def gather(artifacts: Path, files: Files, policy: Policy) -> str:
    """Keep the artifacts of a home as one folder among the inputs; gives its digest, "" where there are none.

    `artifacts` is a home, a workspace that has one, a folder of artifacts, or one artifact. Raises NotFoundError,
    TreeRefused, StateError.
    """
    found = _artifacts(artifacts)
    if not found:
        return ""
    with tempfile.TemporaryDirectory(prefix="harnessgym-bundle-") as folder:
        for name, source in found.items():
            copy_tree(source, Path(folder) / name, scan_tree(source, policy.limits))
        return keep_folder(Path(folder), files.inputs)


async def qualified_home(
    files: Files, digest: str, state: Path | None, policy: Policy, say: Say = lambda text: None
) -> tuple[Home, dict[str, str]]:
    """The home that holds a kept bundle, each artifact qualified on this machine; and why others are not in it.

    Done once for each bundle and machine; later calls only look. Await it on the main thread's loop.
    """
    base = files.harness(digest)
    workspace = base / "workspace"
    try:
        workspace.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise state_error("make", workspace, error) from error
    with locked(base / ".lock", policy.qualify.total):
        home = Home.open(workspace, base / "home", state)
        stores = Stores.open(home, policy)
        problems = {}
        for source in sorted(files.input(digest).iterdir()):
            if why := await _qualified(stores, policy, source, say):
                problems[source.name] = why
    return home, problems


def bundle_of(home: Home, policy: Policy, digest: str) -> Bundle:
    """What is in it, as a design names it."""
    versions = active(home, policy)
    tools = [f"{name}__{tool['name']}" for name, version in versions.items() for tool in version.tools]
    skills = [f"{name}/{path}" for name, version in versions.items() for path in version.skills]
    return Bundle(digest=digest, artifacts=sorted(versions), tools=sorted(tools), skills=sorted(skills))


def active(home: Home, policy: Policy) -> dict[str, Version]:
    """Name -> current version, of the artifacts in use."""
    registry: Registry = Stores.open(home, policy).registry.load()
    found = {a.name: a.version for a in registry.artifacts.values() if a.status == "active" and a.versions}
    return dict(sorted(found.items()))


async def _qualified(stores: Stores, policy: Policy, source: Path, say: Say) -> str:
    """Have it published in the home; why not, "" when it is."""
    digest = scan_tree(source, policy.limits).digest
    artifact = stores.registry.load().artifacts.get(source.name)
    verdict, known = stores.verdicts.load(digest), stores.verdicts.load_version(digest)
    if verdict and verdict.qualified and artifact and artifact.status == "active" and artifact.current == digest:
        return ""
    if verdict and verdict.qualified and known:
        publish(stores, known.name, source, verdict, known.version, known.kind, known.extends)
        return ""
    say(f"qualifying {source.name} on this machine ...")
    submission = await Submitter(stores, policy).submit(source)
    return "" if submission.verdict.qualified else "; ".join(f"{f.id}: {f.what}" for f in submission.verdict.errors)


def _artifacts(given: Path) -> dict[str, Path]:
    """Name -> folder."""
    if not given.is_dir():
        raise NotFoundError(f"there is no folder {str(given)!r}", hint="--artifacts takes a home or a workspace")
    if (given / "plugin.json").is_file():
        return {given.resolve().name: given}
    places = [given / DEFAULT_HOME / "generated", given / "generated", given]
    folder = next(p for p in places if p.is_dir())
    found = {p.name: p for p in sorted(folder.iterdir()) if p.is_dir() and (p / "plugin.json").is_file()}
    if not found and folder == given and any(given.iterdir()):
        raise UsageError(f"no artifact lies in {str(given)!r}", hint="--artifacts takes a home or a workspace")
    return found
