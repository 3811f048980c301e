"""Disconnect clients: take HarnessGym's entry, and what else `connect` wrote, out of their config files again."""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.commands.connect_ import add_clients, carry_out, chosen
from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.store.client_configs import Change

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "take HarnessGym out of a client's config again"

EXAMPLES = """
  harnessgym disconnect claude                 out of this project and out of your own config
  harnessgym disconnect codex --scope project
  harnessgym disconnect --all --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_clients(parser)
    parser.add_argument("--scope", choices=["project", "user"], help="only there (else both)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.core.lifecycle import Registry
    from harnessgym_mcp.core.names import check_entry_name
    from harnessgym_mcp.store.client_configs import plan_disconnect
    from harnessgym_mcp.store.client_configs_places import Places, Scope
    from harnessgym_mcp.store.skill_links import link_skills

    home, _ = options_of(arguments).open(create=False)
    places, name = Places.here(home.workspace), check_entry_name(arguments.name)
    scopes: tuple[Scope, ...] = (arguments.scope,) if arguments.scope else ("project", "user")

    def plan(client: str) -> "list[Change]":
        changes = [change for scope in scopes for change in plan_disconnect(client, scope, name, places)]
        if all(change.action == "unchanged" for change in changes):
            output.say(f"{client}: {name} is not connected")
        return [change for change in changes if change.action != "unchanged"]

    def unlink() -> list[str]:
        return link_skills(home, Registry())

    return carry_out(chosen(arguments, places), plan, unlink, arguments, output)
