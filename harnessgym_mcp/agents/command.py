"""Any program as an agent: it gets the prompt on stdin or in a file and the MCP entry as a configuration file.

In the command's words `{prompt_file}`, `{mcp_config}`, `{workspace}`, `{session_id}`, `{model}` and `{transcripts}`
are replaced; the same are in the environment as HARNESSGYM_PROMPT_FILE and so on. With `{prompt_file}` among the words
stdin is empty, else it is the prompt. `mcp_config` is in the common `{"mcpServers": {...}}` form, without servers in
an arm that has no entry. The program's exit code says whether it is ok; what else it wants counted it writes as event
lines (`own_events.py`), and its last other line is the turn's message.
"""

import json
import re
import uuid
from dataclasses import dataclass

from harnessgym_mcp.agents.agent import Context, Entry, Identity, Prompt, Transcripts, Turn
from harnessgym_mcp.agents.environment import bare_entry
from harnessgym_mcp.agents.own_events import own_reader
from harnessgym_mcp.agents.tally import Tally
from harnessgym_mcp.agents.turns import Launch, environment, files, find_program, keep_file, take_turn
from harnessgym_mcp.errors import UsageError

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """`argv` for a fresh session, `resume_argv` for a further turn of one; the first word is found on PATH."""

    argv: tuple[str, ...]
    resume_argv: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "command"

    async def identify(self) -> Identity:
        """A program of which nothing is known has no version that could be asked for."""
        import shutil

        program = find_program(self.argv[0]) if self.argv else ""
        found = bool(program) and shutil.which(program) is not None
        return Identity(self.name, program=program, problem="" if found else f"no program {program!r}")

    async def attempt(self, prompt: Prompt, context: Context) -> Turn:
        return await self._turn(self.argv, str(uuid.uuid4()), prompt, context)

    async def resume(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        """Raises UsageError where no command for it is given."""
        if not self.resume_argv:
            raise UsageError("this agent command cannot resume a session", hint="give a command for resuming too")
        return await self._turn(self.resume_argv, session_id, prompt, context)

    async def _turn(self, words: tuple[str, ...], session_id: str, prompt: Prompt, context: Context) -> Turn:
        if not words:
            raise UsageError("the agent command is empty", hint="give a program and its arguments")
        kept = files(context)
        env = environment(context, ())
        values = _values(session_id, context, kept)
        env |= {f"HARNESSGYM_{name.upper()}": value for name, value in values.items()}
        keep_file(context, "mcp.json", _config(context.entry, env))
        argv = [_put(word, values) for word in words]
        stdin = b"" if any("{prompt_file}" in word for word in words) else prompt.encoded
        tally = Tally(session_id=session_id)
        launch = Launch([find_program(argv[0]), *argv[1:]], env, stdin, silent_ok=True)
        return await take_turn(prompt, context, launch, tally, own_reader(tally, strict=False))


def _values(session_id: str, context: Context, kept: Transcripts) -> dict[str, str]:
    folder = context.transcripts.resolve()
    return {
        "prompt_file": str(kept.prompt.resolve()),
        "mcp_config": str(folder / "mcp.json"),
        "workspace": str(context.workspace.resolve()),
        "session_id": session_id,
        "model": context.model,
        "transcripts": str(folder),
    }


def _put(word: str, values: dict[str, str]) -> str:
    """In one pass: a value that looks like a placeholder stays as it is, and so do braces of other kinds."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), word)


def _config(entry: Entry | None, env: dict[str, str]) -> bytes:
    servers = {}
    if entry:
        command, *args = bare_entry(entry, env)
        servers[entry.name] = {"type": "stdio", "command": command, "args": args, "env": dict(entry.env)}
    return json.dumps({"mcpServers": servers}, indent=1).encode()
