"""Set up a workspace: its home with the git-ignore lines, and a config.toml that lists every setting.

It asks nothing, and what is there already stays. Not needed before `connect`: the home is also made at first use.
"""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.core.policy import Policy
    from harnessgym_mcp.qualify.starter import Taken
    from harnessgym_mcp.store.home import Home

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "set up this workspace"

EXAMPLES = """
  harnessgym init                              this folder
  harnessgym init --starter                    with the starter tools, each through the clean room
  harnessgym init --workspace ~/project --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--starter", action="store_true", help="qualify and publish the starter harness as well")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.errors import EXIT_OK, EXIT_REJECTED

    home, policy = options_of(arguments).open()
    made = _configured(home)
    lines = [f"the home is {home.root}"]
    lines += ["  config.toml: made, with every setting in it commented out" if made else "  config.toml: kept as it is"]
    lines += [f"  note: {note}" for note in home.notes]
    taken = _starter(home, policy, output) if arguments.starter else []
    body = {"home": str(home.root), "workspace": str(home.workspace), "state": str(home.state), "config_made": made}
    rows = [(t.name, t.status, t.reason) for t in taken]
    output.result(
        "init",
        body | {"starter": [{"name": n, "status": s, "reason": r} for n, s, r in rows]},
        "\n".join(lines),
        output.table(("starter", "status", "reason"), rows),
        "next: `harnessgym connect claude` (or codex, cursor, vscode, gemini)",
    )
    return EXIT_REJECTED if any(t.status == "rejected" for t in taken) else EXIT_OK


def _configured(home: "Home") -> bool:
    """Write config.toml unless there is one."""
    import os

    from harnessgym_mcp.store.atomic import write_atomic
    from harnessgym_mcp.store.config_template import template

    if os.path.lexists(home.config):
        return False
    write_atomic(home.config, template().encode())
    return True


def _starter(home: "Home", policy: "Policy", output: Output) -> "list[Taken]":
    import asyncio

    from harnessgym_mcp.qualify.starter import starter_artifacts, take_in
    from harnessgym_mcp.qualify.submission import Submitter
    from harnessgym_mcp.store.publish import Stores

    folders = starter_artifacts()
    stores = Stores.open(home, policy)

    async def take_all() -> "list[Taken]":
        return [taken async for taken in take_in(stores, Submitter(stores, policy), folders)]

    with output.busy(f"the clean room judges the {len(folders)} starter artifacts"):
        return asyncio.run(take_all())
