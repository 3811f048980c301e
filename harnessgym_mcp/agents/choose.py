"""From a description that can be kept in a record to the agent it means."""

from pathlib import Path

import msgspec

from harnessgym_mcp.agents.agent import Agent
from harnessgym_mcp.errors import UsageError

__all__ = ["KINDS", "AgentSpec", "choose_agent"]

KINDS = ("scripted", "claude", "codex", "command")


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which agent, and how it is set up; None and empty take that agent's own defaults."""

    kind: str
    program: str = ""  # claude, codex: another executable
    script: str = ""  # scripted: path
    mode: str = ""  # scripted: legacy | modern | auto
    command: list[str] = []
    resume_command: list[str] = []
    permission_mode: str = ""  # claude
    allowed_tools: list[str] | None = None  # claude
    sandbox: str = ""  # codex
    list_changed: bool = True  # codex
    extra_args: list[str] = []  # claude, codex


def choose_agent(spec: AgentSpec) -> Agent:
    """Raises UsageError for an unknown kind, or one that lacks what it needs."""
    match spec.kind:
        case "scripted":
            return _scripted(spec)
        case "claude":
            return _claude(spec)
        case "codex":
            return _codex(spec)
        case "command":
            return _command(spec)
    what = f"no agent is called {spec.kind[:80]!r}" if spec.kind else "which agent?"
    raise UsageError(what, hint=f"--agent takes one of {', '.join(KINDS)}")


def _scripted(spec: AgentSpec) -> Agent:
    from harnessgym_mcp.agents.scripted import Scripted

    if not spec.script:
        raise UsageError("a scripted agent needs a script", hint="give --agent-script FILE")
    if spec.mode not in ("", "legacy", "modern", "auto"):
        raise UsageError(f"no MCP era is called {spec.mode!r}", hint="legacy, modern or auto")
    return Scripted(Path(spec.script), spec.mode)


def _claude(spec: AgentSpec) -> Agent:
    from harnessgym_mcp.agents.claude import Claude

    usual = Claude()
    return Claude(
        program=spec.program or usual.program,
        permission_mode=spec.permission_mode or usual.permission_mode,
        allowed_tools=usual.allowed_tools if spec.allowed_tools is None else tuple(spec.allowed_tools),
        extra_args=tuple(spec.extra_args),
    )


def _codex(spec: AgentSpec) -> Agent:
    from harnessgym_mcp.agents.codex import Codex

    usual = Codex()
    return Codex(
        program=spec.program or usual.program,
        sandbox=spec.sandbox or usual.sandbox,
        list_changed=spec.list_changed,
        extra_args=tuple(spec.extra_args),
    )


def _command(spec: AgentSpec) -> Agent:
    from harnessgym_mcp.agents.command import Command

    if not spec.command:
        raise UsageError("a command agent needs a command", hint="give --agent-command 'PROGRAM ARGUMENTS'")
    return Command(tuple(spec.command), tuple(spec.resume_command))
