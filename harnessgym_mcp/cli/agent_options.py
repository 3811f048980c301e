"""The options that say which agent a command drives, and the description they make."""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from harnessgym_mcp.agents.choose import AgentSpec

__all__ = ["add_agent_options", "agent_spec"]

_KINDS = ("claude", "codex", "scripted", "command")


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """`--agent` and what belongs to it."""
    group = parser.add_argument_group("agent")
    group.add_argument("--agent", choices=_KINDS, help="which coding agent does the work")
    group.add_argument("--model", default="", metavar="NAME", help="its model (the agent's own default)")
    group.add_argument("--agent-bin", default="", metavar="FILE", help="claude, codex: another executable")
    group.add_argument(
        "--agent-arg", action="append", default=[], metavar="WORD", help="claude, codex: a further argument; repeatable"
    )
    group.add_argument("--agent-script", default="", metavar="FILE", help="scripted: the script, JSON or Python")
    group.add_argument("--agent-command", default="", metavar="WORDS", help="command: for a fresh session")
    group.add_argument("--agent-resume-command", default="", metavar="WORDS", help="command: to go on with a session")
    group.add_argument(
        "--permission-mode", default="", metavar="MODE", help="claude: acceptEdits, bypassPermissions..."
    )
    group.add_argument("--agent-sandbox", default="", metavar="MODE", help="codex: workspace-write, read-only...")
    group.add_argument("--budget-usd", type=float, metavar="X", help="claude: money for one turn")
    group.add_argument(
        "--keep-env", action="append", default=[], metavar="NAME", help="a variable the agent may have; NAME or PREFIX*"
    )


def agent_spec(arguments: argparse.Namespace) -> "AgentSpec":
    """Raises UsageError where no agent is named, or its command cannot be read."""
    from pathlib import Path

    from harnessgym_mcp.agents.choose import AgentSpec

    if not arguments.agent:
        raise UsageError("no agent is named", hint=f"--agent is one of {', '.join(_KINDS)}")
    script = str(Path(arguments.agent_script).resolve()) if arguments.agent_script else ""
    return AgentSpec(
        kind=arguments.agent,
        program=arguments.agent_bin,
        script=script,
        command=_words(arguments.agent_command),
        resume_command=_words(arguments.agent_resume_command),
        permission_mode=arguments.permission_mode,
        sandbox=arguments.agent_sandbox,
        extra_args=arguments.agent_arg,
    )


def _words(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the agent command cannot be read: {error}", hint="quote it as for a shell") from error
