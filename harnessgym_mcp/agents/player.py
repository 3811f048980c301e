"""The program behind the scripted agent: `python -m harnessgym_mcp.agents.player`, its job as JSON on stdin.

It is a program of its own so that a script is run like any other agent: its time is bounded, its processes are ended,
and a script that loops, exits or prints harms nothing. Events go to stdout; what the script prints goes to stderr.
"""

import asyncio
import contextlib
import json
import os
import runpy
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from harnessgym_mcp.agents.script import load_script
from harnessgym_mcp.agents.session import Link, Mode, ScriptError, Session
from harnessgym_mcp.core.policy import Agents
from harnessgym_mcp.errors import HarnessGymError

__all__ = ["Job", "main"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One turn to play."""

    script: str
    mode: Mode | None  # None: as the script says
    session_id: str
    session_file: str
    resumed: bool
    prompt: str
    phase: str
    iteration: int
    variables: dict[str, Any]
    workspace: str
    command: list[str]  # empty: no MCP entry
    env: dict[str, str]
    server: str
    rules: Agents


def main() -> None:
    """Play the job on stdin."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    emit({"type": "harnessgym.session", "id": job.session_id, "model": "script"})
    emit({"type": "harnessgym.end", "problem": asyncio.run(_play(job, emit))})


async def _play(job: Job, emit: Callable[[dict[str, Any]], None]) -> str:
    """The problem, "" for none."""
    try:
        saved = json.loads(Path(job.session_file).read_text(encoding="utf-8")) if job.resumed else {}
    except (OSError, ValueError):
        return f"no session {job.session_id} is known"
    try:
        mode, play = _load(job)
        async with _connected(job, mode) as connection:
            return await _play_script(job, play, saved, connection, emit)
    except (Exception, SystemExit) as error:
        return _reason(error)


async def _play_script(
    job: Job, play: Callable[[Session], Any], saved: dict[str, Any], link: Link | None, emit: Any
) -> str:
    session = Session(
        id=job.session_id,
        prompt=job.prompt,
        phase=job.phase,
        iteration=job.iteration,
        workspace=Path(job.workspace),
        variables=job.variables,
        saved=saved,
        resumed=job.resumed,
        rules=job.rules,
        server=job.server,
        link=link,
        emit=emit,
    )
    try:
        await play(session)
        return ""
    except (Exception, SystemExit) as error:  # told as the turn's problem; raised, it would tear the connection down
        return _reason(error)
    finally:
        _keep(session, Path(job.session_file))


def _keep(session: Session, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(session.saved, default=str), encoding="utf-8")


def _load(job: Job) -> tuple[Mode, Callable[[Session], Any]]:
    path = Path(job.script)
    if path.suffix != ".py":
        script = load_script(path)
        return job.mode or script.mode, script.play
    names = runpy.run_path(str(path), run_name="harnessgym_script")
    if not callable(names.get("play")):
        raise ScriptError(f"{path.name} defines no `async def play(session)`")
    return job.mode or names.get("MODE", "legacy"), names["play"]


@contextlib.asynccontextmanager
async def _connected(job: Job, mode: Mode) -> AsyncIterator[Link | None]:
    if not job.command:
        yield None
        return
    from harnessgym_mcp.agents.connection import connect  # the SDK: most of a second, for nothing in a plain arm

    workspace = Path(job.workspace)
    async with connect(job.command, job.env, workspace, mode, job.session_id, job.rules.tool_start) as connection:
        yield connection


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ScriptError | HarnessGymError):
        return str(error)
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
