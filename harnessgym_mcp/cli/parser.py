"""The command line's grammar. Command modules say their own arguments and import what they need when they run."""

import argparse
import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harnessgym_mcp import __version__
from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from harnessgym_mcp.server.options import Options

__all__ = ["COMMANDS", "build", "options_of", "pairs", "parse"]

COMMANDS = (
    "serve", "demo", "submit", "qualify", "list", "show", "stats", "calls", "call",
    "rollback", "archive", "restore", "requalify", "config", "dashboard", "telemetry",
)  # fmt: skip
"""Every command; each has a module of its name in `cli.commands`."""

_EPILOG = """examples:
  harnessgym demo                                  see the whole loop, offline, in under a minute
  claude mcp add harnessgym -- harnessgym serve    add it to Claude Code
  harnessgym list                                  what this workspace's harness holds
  harnessgym calls --follow                        watch tools being used
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage()
        self.exit(2, f"{self.prog}: {message}\n  hint: `{self.prog} --help`\n")


def build() -> argparse.ArgumentParser:
    """The whole parser, every command included."""
    parser = _Parser(
        prog="harnessgym",
        description="Keeps, qualifies, mounts and measures the tools that coding agents build.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"harnessgym {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        _add(commands, name)
    return parser


def _add(commands: "argparse._SubParsersAction[_Parser]", name: str) -> None:
    module = importlib.import_module(f"harnessgym_mcp.cli.commands.{name}_")
    command = commands.add_parser(
        name, help=module.HELP, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_common(command)
    module.configure(command)
    command.set_defaults(run=module.run)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Only the command that is asked for is built in full: the others' modules need not be imported."""
    named = next((word for word in argv if not word.startswith("-")), "")
    if named in COMMANDS and argv[0] == named:
        parser = _Parser(prog="harnessgym")
        commands = parser.add_subparsers(dest="command")
        _add(commands, named)
        return parser.parse_args(argv)
    return build().parse_args(argv)


def _add_common(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("where")
    group.add_argument("--workspace", type=Path, metavar="DIR", help="the project (CLAUDE_PROJECT_DIR, else here)")
    group.add_argument("--home", type=Path, metavar="DIR", help="the harness (WORKSPACE/.harnessgym)")
    group.add_argument(
        "--state", type=Path, metavar="DIR", help="this machine's private files (XDG_STATE_HOME/harnessgym)"
    )
    group.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="a policy setting; repeatable"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--quiet", action="store_true", help="print nothing but errors")


def pairs(items: Sequence[str], what: str) -> dict[str, str]:
    """`k=v` words as a mapping; raises UsageError."""
    out: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError(f"{what} takes KEY=VALUE, not {item!r}")
        out[key.strip()] = value
    return out


def options_of(arguments: argparse.Namespace) -> "Options":
    """Where the command works. Raises UsageError."""
    from harnessgym_mcp.server.options import Options, default_workspace

    workspace = arguments.workspace or default_workspace(os.environ)
    if not workspace.is_dir():
        raise UsageError(f"the workspace {str(workspace)!r} is not a folder", hint="--workspace DIR names the project")
    labels = getattr(arguments, "labels", "") or ""
    return Options(
        workspace=workspace,
        home=arguments.home,
        state=arguments.state,
        session=getattr(arguments, "session", "") or "",
        labels=pairs([part for part in labels.split(",") if part], "--labels"),
        settings=pairs(arguments.set, "--set"),
    )
