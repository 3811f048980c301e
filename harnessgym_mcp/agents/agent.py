"""What HarnessGym knows of a coding agent: it can be given a prompt in a fresh session or in one it had before.

Each implementation runs a program of the user's, reads the event stream that the program writes (never its prose) and
gives back one `Turn`. A turn that fails, times out or never starts is a `Turn` too; only wrong use raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from harnessgym_mcp.core.policy import Agents

__all__ = ["Agent", "Context", "Entry", "Identity", "Prompt", "Status", "ToolUse", "Transcripts", "Turn", "Usage"]

Status = Literal["ok", "failed", "timed_out", "not_started"]


@dataclass(frozen=True, slots=True)
class Entry:
    """The one MCP entry that the agent sees; `command` is an argument vector, its first word an absolute path."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    name: str = "harnessgym"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the agent is told, and which step of the run it is told in (scripts choose their part by these)."""

    text: str
    phase: str = "attempt"
    iteration: int = 1
    variables: Mapping[str, Any] = field(default_factory=dict)  # seed and the like, for scripts

    @property
    def encoded(self) -> bytes:
        """UTF-8; lone surrogates, as file names may bring them, become question marks."""
        return self.text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Context:
    """Where and within which bounds one turn happens."""

    workspace: Path
    transcripts: Path  # a folder for this turn alone; created when missing
    timeout: float  # seconds
    entry: Entry | None = None  # None: the agent gets no MCP server at all
    model: str = ""  # "": the agent's own default
    budget_usd: float | None = None
    keep_env: tuple[str, ...] = ()  # further variables of ours that the agent may have; `NAME` or `PREFIX*`
    env: Mapping[str, str] = field(default_factory=dict)  # set on top
    rules: Agents = field(default_factory=Agents)
    sessions: Path | None = None  # where agents without a home of their own keep sessions; None: beside transcripts

    @property
    def session_folder(self) -> Path:
        return self.sessions or self.transcripts.parent / "sessions"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which program an agent is; `problem` says why it cannot be used, "" where it can."""

    name: str
    version: str = ""
    program: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of this turn alone. `input` counts all input; `cached` and `cache_write` are parts of it."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0  # a part of output

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, n) + getattr(other, n) for n in Usage.__slots__))

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(*(max(getattr(self, n) - getattr(other, n), 0) for n in Usage.__slots__))


@dataclass(frozen=True, slots=True)
class ToolUse:
    """Calls of one tool that the agent's event stream tells of; `server` is "" for the agent's own tools."""

    server: str
    tool: str  # the server's own name for it where the stream has that, else as the agent spells it
    calls: int
    errors: int  # calls that ended in an error; a call without an end in the stream counts as none


@dataclass(frozen=True, slots=True)
class Transcripts:
    """What was said, as files."""

    prompt: Path
    stdout: Path
    stderr: Path


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one prompt. None where the agent did not tell; never a guess."""

    status: Status
    session_id: str  # "" when the agent never told one: nothing can be resumed
    seconds: float
    transcripts: Transcripts
    code: int | None = None  # exit code; -N: ended by signal N
    problem: str = ""  # why it is not ok, one line
    cause: str = ""  # "" | budget | model | agent | exit | start | silent | timeout | lost
    message: str = ""  # the agent's last words
    model: str = ""
    usage: Usage | None = None
    cost_usd: float | None = None
    steps: int | None = None  # turns as the agent itself counts them
    tools: tuple[ToolUse, ...] = ()
    leftovers: int = 0  # processes it left behind, ended for it
    notes: tuple[str, ...] = ()  # what was odd: a cut transcript, an unreadable event

    def calls(self, server: str) -> dict[str, int]:
        """Tool -> calls, of one server."""
        return {use.tool: use.calls for use in self.tools if use.server == server}


class Agent(Protocol):
    """A coding agent. Implementations are immutable and may run several turns at once."""

    @property
    def name(self) -> str:
        """`claude`, `codex`, `scripted`, `command`."""
        ...

    async def identify(self) -> Identity:
        """Which program and version this is, without a model call."""
        ...

    async def attempt(self, prompt: Prompt, context: Context) -> Turn:
        """A fresh session."""
        ...

    async def resume(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        """One more turn of an earlier session. An unknown session is a failed turn."""
        ...
