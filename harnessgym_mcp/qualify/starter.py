"""The starter harness: artifacts that come with HarnessGym, taken in like anybody's, through the clean room."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

import harnessgym_mcp
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.store.publish import Stores

__all__ = ["Taken", "starter_artifacts", "take_in"]


class Taken(msgspec.Struct, frozen=True):
    """What became of one: `qualified`, `rejected`, or `kept` where the home has an artifact of this name already."""

    name: str
    status: str
    reason: str = ""


def starter_artifacts() -> list[Path]:
    """Their folders, by name: in the package where it was installed, else in the checkout. Raises NotFoundError."""
    package = Path(harnessgym_mcp.__file__).parent
    for folder in (package / "starter", package.parent / "generated"):
        found = sorted(manifest.parent for manifest in folder.glob("*/plugin.json"))
        if found:
            return found
    raise NotFoundError("this installation has no starter harness", hint="install the wheel, or use a checkout")


async def take_in(stores: Stores, submitter: Submitter, folders: list[Path]) -> AsyncIterator[Taken]:
    """Submit each that the home has no artifact for, one after the other. Raises StateError."""
    for folder in folders:
        if folder.name in stores.registry.load().artifacts:
            yield Taken(folder.name, "kept", "there is one of this name already")
            continue
        submission = await submitter.submit(folder)
        reason = "; ".join(f"{f.id}: {f.what}" for f in submission.verdict.errors)
        yield Taken(folder.name, submission.verdict.status, reason)
