"""A script in the agent's place: deterministic, offline, honest about being one.

It proves the machinery and gives examples a baseline; it says nothing about any model. `script` is a JSON file
(format in `script.py`) or a Python file with `async def play(session)` (`session.py`; `MODE` may choose the era).
"""

import hashlib
import os
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harnessgym_mcp import __version__
from harnessgym_mcp.agents.agent import Context, Identity, Prompt, Turn
from harnessgym_mcp.agents.environment import scrub
from harnessgym_mcp.agents.own_events import own_reader
from harnessgym_mcp.agents.script import load_script
from harnessgym_mcp.agents.tally import Tally
from harnessgym_mcp.agents.turns import Launch, take_turn
from harnessgym_mcp.errors import UsageError

__all__ = ["Scripted"]

_PLAYER = ("-P", "-m", "harnessgym_mcp.agents.player")
"""-P: the program starts in the workspace, whose files must not be taken for modules."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """Plays `script`; `mode` overrides the MCP era that the script asks for."""

    script: Path
    mode: str = ""

    @property
    def name(self) -> str:
        return "scripted"

    async def identify(self) -> Identity:
        """The version holds the script's digest: another script is another agent."""
        try:
            digest = hashlib.sha256(self.script.read_bytes()).hexdigest()[:12]
        except OSError as error:
            return Identity(self.name, __version__, str(self.script), f"cannot read the script: {error.strerror}")
        return Identity(self.name, f"{__version__}+{digest}", str(self.script.resolve()))

    async def attempt(self, prompt: Prompt, context: Context) -> Turn:
        """Raises UsageError for a script that is none."""
        return await self._turn(str(uuid.uuid4()), prompt, context, resumed=False)

    async def resume(self, session_id: str, prompt: Prompt, context: Context) -> Turn:
        return await self._turn(session_id, prompt, context, resumed=True)

    async def _turn(self, session_id: str, prompt: Prompt, context: Context, *, resumed: bool) -> Turn:
        self._check()
        tally = Tally(session_id=session_id)
        job = self._job(session_id, prompt, context, resumed)
        env = scrub(os.environ, context.keep_env, context.env)
        launch = Launch([sys.executable, *_PLAYER], env, msgspec.json.encode(job))
        return await take_turn(prompt, context, launch, tally, own_reader(tally, strict=True))

    def _check(self) -> None:
        if self.script.suffix == ".py":
            try:
                compile(self.script.read_bytes(), str(self.script), "exec")
            except (OSError, SyntaxError, ValueError) as error:
                raise UsageError(f"cannot use the script {self.script}: {error}", hint="it is a Python file") from error
            return
        load_script(self.script)

    def _job(self, session_id: str, prompt: Prompt, context: Context, resumed: bool) -> dict[str, object]:
        entry = context.entry
        key = hashlib.sha256(session_id.encode()).hexdigest()[:32]
        return {
            "script": str(self.script.resolve()),
            "mode": self.mode or None,
            "session_id": session_id,
            "session_file": str(context.session_folder / f"{key}.json"),
            "resumed": resumed,
            "prompt": prompt.encoded.decode(),
            "phase": prompt.phase,
            "iteration": prompt.iteration,
            "variables": dict(prompt.variables),
            "workspace": str(context.workspace.resolve()),
            "command": list(entry.command) if entry else [],
            "env": dict(entry.env) if entry else {},
            "server": entry.name if entry else "",
            "rules": context.rules,
        }
