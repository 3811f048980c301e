"""Connect clients: write HarnessGym's entry into their config files, and nothing else.

Comments, order and all other settings stay; the former file is kept beside it as .bak; what was written is printed. A
file that cannot be edited without loss is left alone, and the text to paste is shown. Running it again changes nothing.
"""

import argparse
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import completed, options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harnessgym_mcp.store.client_configs import Change
    from harnessgym_mcp.store.client_configs_places import Places

__all__ = ["EXAMPLES", "HELP", "add_clients", "carry_out", "chosen", "configure", "run"]

HELP = "add HarnessGym to Claude Code, Codex, Cursor, VS Code or Gemini CLI"

EXAMPLES = """
  harnessgym connect claude                    this project, in Claude Code
  harnessgym connect codex --scope user        every folder that Codex works in
  harnessgym connect --all --dry-run           what would be written for every client found here
  harnessgym connect claude --set isolation.tier=B
  harnessgym connect --skills                  only link the skills that have qualified
"""

_DONE = {"create": "wrote", "change": "changed", "remove": "removed", "unchanged": "nothing to change in"}
_WOULD = {"create": "would write", "change": "would change", "remove": "would remove", "unchanged": _DONE["unchanged"]}


def configure(parser: argparse.ArgumentParser) -> None:
    add_clients(parser)
    parser.add_argument(
        "--scope", choices=["project", "user"], default="project", help="this project (default), or all of yours"
    )
    parser.add_argument("--ask", action="store_true", help="let the client ask before each tool")


def add_clients(parser: argparse.ArgumentParser) -> None:
    """The arguments that `connect` and `disconnect` share."""
    names = ("claude", "codex", "cursor", "vscode", "gemini")
    completed(parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(names)), names)
    parser.add_argument("--all", action="store_true", help="every client that is found on this machine")
    parser.add_argument("--name", default="harnessgym", metavar="NAME", help="the entry's name (harnessgym)")
    parser.add_argument(
        "--skills", action="store_true", help="see to the links of qualified skills in .claude/ and .agents/ as well"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, write nothing")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.core.names import check_entry_name
    from harnessgym_mcp.store.client_configs import is_temporary, plan_connect, start_command
    from harnessgym_mcp.store.client_configs_places import CLIENTS, Places, Serving
    from harnessgym_mcp.store.registry import RegistryStore
    from harnessgym_mcp.store.skill_links import link_skills

    options = options_of(arguments)
    home, policy = options.open(create=False)
    places = Places.here(home.workspace)
    name, scope = check_entry_name(arguments.name), arguments.scope

    def plan(client: str) -> "list[Change]":
        command = start_command(client, scope, home.workspace, options.home, options.state, options.settings, name)
        times = policy.agents.tool_start, policy.agents.tool_call
        return plan_connect(client, scope, Serving(name, command, *times, ask=arguments.ask), places)

    def link() -> list[str]:
        return link_skills(home, RegistryStore(home).load())

    clients = chosen(arguments, places)
    code = carry_out(clients, plan, link, arguments, output)
    if is_temporary(start_command("", scope, home.workspace)):
        output.say("note: this installation is temporary; install it (`uv tool install .`, pipx) and connect again")
    if code == 0 and not arguments.dry_run:
        for client in clients:
            about = CLIENTS[client]
            output.say(Prose(f"{about.title}: {about.next_project if scope == 'project' else about.next_user}"))
    return code


def chosen(arguments: argparse.Namespace, places: "Places") -> list[str]:
    """The clients that are meant; raises UsageError when none or an unknown one is."""
    from harnessgym_mcp.core.names import near
    from harnessgym_mcp.errors import UsageError
    from harnessgym_mcp.store.client_configs_places import CLIENTS
    from harnessgym_mcp.store.client_configs_state import found

    here = [client for client in CLIENTS if found(client, places)]
    for client in arguments.clients:
        if client not in CLIENTS:
            like = near(client, CLIENTS)
            hint = f"did you mean {like[0]}?" if like else f"one of {', '.join(CLIENTS)}"
            raise UsageError(f"no client is called {client!r}", hint=hint)
    wanted = list(dict.fromkeys([*arguments.clients, *(here if arguments.all else [])]))
    if not wanted and not arguments.skills:
        seen = f"found here: {', '.join(here)}" if here else f"none was found here; known are {', '.join(CLIENTS)}"
        raise UsageError("which client?", hint=f"name one or more, or --all; {seen}")
    return wanted


def carry_out(
    clients: list[str],
    plan: "Callable[[str], list[Change]]",
    link: "Callable[[], list[str]]",
    arguments: argparse.Namespace,
    output: Output,
) -> int:
    """Plan and write client by client, so that one's broken file does not keep the others from being connected."""
    from harnessgym_mcp.errors import HarnessGymError

    files: list[dict[str, Any]] = []
    failures: list[tuple[str, HarnessGymError]] = []
    for client in clients:
        try:
            files += [_file(change, arguments.dry_run, output) for change in plan(client)]
        except HarnessGymError as error:
            if len(clients) == 1:
                raise
            failures.append((client, error))
            output.complain(error)
    errors = [{"client": c, "code": e.code, "message": e.message, "hint": e.hint} for c, e in failures]
    links = link() if arguments.skills and not arguments.dry_run else []
    for told in links:
        output.say(told)
    body = {"dry_run": arguments.dry_run, "files": files, "links": links, "errors": errors}
    output.result("connect", body)
    return failures[0][1].exit_code if failures else 0


def _file(change: "Change", dry_run: bool, output: Output) -> dict[str, Any]:
    from harnessgym_mcp.store.client_configs import apply
    from harnessgym_mcp.store.client_configs_places import CLIENTS

    backup = None if dry_run else apply(change)
    did = (_WOULD if dry_run else _DONE)[change.action]
    output.say(f"{CLIENTS[change.client].title} ({change.scope}): {did} {change.path}")
    if change.action in ("create", "change"):
        output.say("\n".join(f"    {line}" for line in change.says.splitlines()))
    if backup:
        output.say(f"  the former file is {backup}")
    return {
        "client": change.client,
        "scope": change.scope,
        "path": str(change.path),
        "action": change.action,
        "says": change.says,
        "backup": str(backup) if backup else None,
    }
