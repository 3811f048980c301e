"""The words that choose an agent, the same for every command that runs one."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from harnessgym_mcp.agents.choose import AgentSpec

__all__ = ["add_agent", "agent_spec"]


def add_agent(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("agent")
    group.add_argument("--agent", metavar="NAME", default="", help="claude, codex, scripted or command")
    group.add_argument("--model", default="", help="the agent's own name for it (else its default)")
    group.add_argument("--agent-bin", metavar="PATH", default="", help="claude, codex: another executable")
    group.add_argument("--agent-script", metavar="FILE", default="", help="scripted: what the script does")
    group.add_argument("--agent-command", metavar="WORDS", default="", help="command: the program and its arguments")
    group.add_argument("--resume-command", metavar="WORDS", default="", help="command: to go on with a session")
    group.add_argument("--permission-mode", metavar="MODE", default="", help="claude")
    group.add_argument("--allowed-tools", metavar="NAMES", help="claude: separated by commas")
    group.add_argument("--agent-sandbox", metavar="MODE", default="", help="codex")
    group.add_argument("--agent-arg", metavar="WORD", action="append", default=[], help="claude, codex: repeatable")
    group.add_argument("--keep-env", metavar="NAME", action="append", default=[], help="a variable the agent may have")


def agent_spec(arguments: argparse.Namespace) -> "AgentSpec":
    """The agent that was chosen; `choose_agent` checks it. A script without an agent's name is a scripted agent's.

    Raises UsageError for a command that cannot be read."""
    from harnessgym_mcp.agents.choose import AgentSpec

    allowed = arguments.allowed_tools
    given = "scripted" if arguments.agent_script else "command" if arguments.agent_command else ""
    return AgentSpec(
        kind=arguments.agent or given,
        program=arguments.agent_bin,
        script=str(Path(arguments.agent_script).absolute()) if arguments.agent_script else "",
        command=_words(arguments.agent_command),
        resume_command=_words(arguments.resume_command),
        permission_mode=arguments.permission_mode,
        allowed_tools=None if allowed is None else [name for name in allowed.split(",") if name],
        sandbox=arguments.agent_sandbox,
        extra_args=arguments.agent_arg,
    )


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the agent command cannot be read: {error}", hint="quote it as for a shell") from error
