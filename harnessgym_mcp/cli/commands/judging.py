"""What `qualify` and `submit` have in common: the folder, and a clean room that tells of its stages."""

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.core.verdict import StageResult
    from harnessgym_mcp.qualify.submission import Submitter

__all__ = ["add_path", "judged"]

T = TypeVar("T")


def add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="the artifact's folder (plugin.json in it)")


def judged(
    arguments: argparse.Namespace,
    output: Output,
    work: "Callable[[Submitter, Path, Callable[[StageResult], None]], Awaitable[T]]",
) -> T:
    """What `work` makes of the folder, given who judges and whom to tell of each stage. Raises NotFoundError."""
    import asyncio

    from harnessgym_mcp.errors import NotFoundError
    from harnessgym_mcp.qualify.submission import Submitter
    from harnessgym_mcp.store.publish import Stores

    if not arguments.path.is_dir():
        raise NotFoundError(f"there is no folder {str(arguments.path)!r}", hint="PATH is the folder with plugin.json")
    home, policy = options_of(arguments).open()
    submitter = Submitter(Stores.open(home, policy), policy)
    with output.busy(f"the clean room judges {arguments.path.name}") as tell:

        async def working() -> T:
            return await work(submitter, arguments.path.resolve(), lambda s: tell(f"{s.id} {s.status}"))

        return asyncio.run(working())
