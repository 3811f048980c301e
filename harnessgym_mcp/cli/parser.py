"""The command line's grammar. Command modules say their own arguments and import what they need when they run."""

import argparse
import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harnessgym_mcp import __version__
from harnessgym_mcp.core.names import OWN, check_entry_name, near
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from harnessgym_mcp.server.options import Options

__all__ = ["COMMANDS", "build", "completed", "options_of", "pairs", "parse", "refuse_beside"]

COMMANDS = (
    "demo", "init", "connect", "disconnect", "doctor",
    "list", "show", "stats", "calls", "top", "dashboard",
    "call", "submit", "qualify", "requalify", "import", "export",
    "rollback", "pin", "unpin", "archive", "restore", "prune",
    "run", "compare", "report", "power", "trial",
    "serve", "config", "telemetry", "completion",
)  # fmt: skip
"""Every command; each has a module of its name in `cli.commands`."""

_EPILOG = """examples:
  harnessgym demo                 see the whole loop, offline, in under a minute
  harnessgym connect claude       add it to Claude Code (or codex, cursor, ...)
  harnessgym doctor               is everything in order here?
  harnessgym list                 what this workspace's harness holds
  harnessgym calls --follow       watch tools being used
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        like = near(unknown[0], self._option_string_actions) if unknown else []
        help = f"`{self.prog} --help` shows what it takes"
        raise UsageError(message, hint=f"did you mean {like[0]}? {help}" if like else help)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=20)
        self._action_max_length = 16  # argparse forgets that commands are indented

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Paragraphs are folded to the terminal, examples stay as they are."""
        import textwrap

        blocks = text.strip("\n").split("\n\n")
        return "\n\n".join(b if "\n  " in b else textwrap.fill(" ".join(b.split()), width) for b in blocks)


def build() -> argparse.ArgumentParser:
    """The whole parser, every command included."""
    parser = _Parser(
        prog="harnessgym",
        description="Keeps, qualifies, mounts and measures the tools that coding agents build.",
        epilog=_EPILOG,
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"harnessgym {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = _module(name)
        _fill(commands.add_parser(name, help=module.HELP, **_words(module)), name, module)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Only the command that is asked for is built: the others' modules need not be imported.

    Raises UsageError; `--help` and `--version` print and raise SystemExit.
    """
    named = argv[0] if argv else ""
    if named in COMMANDS:
        module = _module(named)
        parser = _Parser(prog=f"harnessgym {named}", **_words(module))
        _fill(parser, named, module)
        return parser.parse_args(argv[1:])
    if named and not named.startswith("-"):
        like = near(named, COMMANDS)
        hint = f"did you mean {like[0]}?" if like else "`harnessgym --help` lists the commands"
        raise UsageError(f"no command is called {one_line(named, 60)!r}", hint=hint)
    return build().parse_args(argv or ["--help"])


def _module(name: str) -> Any:
    return importlib.import_module(f"harnessgym_mcp.cli.commands.{name}_")


def _words(module: Any) -> dict[str, Any]:
    """What `--help` says around the arguments."""
    examples = getattr(module, "EXAMPLES", "").strip("\n")
    epilog = f"examples:\n{examples}" if examples else None
    return {"description": module.__doc__, "epilog": epilog, "formatter_class": _Formatter}


def _fill(command: argparse.ArgumentParser, name: str, module: Any) -> None:
    _add_common(command)
    module.configure(command)
    command.set_defaults(run=module.run, command=name, parser=command)


def completed(action: argparse.Action, words: Sequence[str]) -> None:
    """Words that a shell may complete an argument with, where `choices` would be too strict."""
    action.completions = tuple(words)  # type: ignore[attr-defined]  # argparse has no place of its own for them


def _add_common(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("where")
    group.add_argument("--workspace", type=Path, metavar="DIR", help="the project (CLAUDE_PROJECT_DIR, else here)")
    group.add_argument("--home", type=_named, metavar="DIR", help="the harness (WORKSPACE/.harnessgym)")
    group.add_argument(
        "--state", type=_named, metavar="DIR", help="this machine's private files (XDG_STATE_HOME/harnessgym)"
    )
    group.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="a policy setting; repeatable"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _named(text: str) -> Path:
    """A folder; an empty word, as of a variable that is not set, does not mean the current one."""
    if not text:
        raise argparse.ArgumentTypeError("a folder's name is needed")
    return Path(text)


def pairs(items: Sequence[str], what: str) -> dict[str, str]:
    """`k=v` words as a mapping; raises UsageError."""
    out: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError(f"{what} takes KEY=VALUE, not {item!r}")
        out[key.strip()] = value
    return out


def refuse_beside(arguments: argparse.Namespace, option: str, *allowed: str) -> None:
    """Raises UsageError where `option` stands beside another that would be passed over: `allowed` and those that say
    where may. Names are those of the namespace."""
    free = {option, "workspace", "home", "state", "json", "quiet", *allowed}
    for name, value in vars(arguments).items():
        if name not in free and value != arguments.parser.get_default(name):
            what = f"--{name.replace('_', '-')} cannot be changed with --{option}"
            raise UsageError(what, hint="leave it out: all goes on as it began; or begin anew")


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
        entry=check_entry_name(getattr(arguments, "entry", None) or OWN),
        labels=pairs([part for part in labels.split(",") if part], "--labels"),
        settings=pairs(arguments.set, "--set"),
    )
