"""One turn of an agent that is a program: prompt and output in files, the ending and the event stream made a `Turn`."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.agents.agent import Context, Identity, Prompt, Status, Transcripts, Turn
from harnessgym_mcp.agents.environment import scrub
from harnessgym_mcp.agents.process import Ending, Program, run
from harnessgym_mcp.agents.tally import Tally
from harnessgym_mcp.core.policy import Agents
from harnessgym_mcp.core.text import clean, cut, one_line
from harnessgym_mcp.errors import StateError

__all__ = ["Launch", "environment", "files", "find_program", "identify", "keep_file", "take_turn"]

_TAIL = 4096  # bytes of stderr looked at for the reason of a failure


@dataclass(frozen=True, slots=True)
class Launch:
    """How the program is started for this turn. `silent_ok`: it need not write an event stream."""

    argv: Sequence[str]
    env: Mapping[str, str]
    stdin: bytes = b""
    silent_ok: bool = False


def environment(context: Context, keep: Sequence[str]) -> dict[str, str]:
    """The agent's environment: ours, scrubbed."""
    return scrub(os.environ, (*keep, *context.keep_env), context.env)


def files(context: Context) -> Transcripts:
    """Where this turn's transcripts are."""
    folder = context.transcripts
    return Transcripts(folder / "prompt.md", folder / "stdout.jsonl", folder / "stderr.txt")


async def take_turn(
    prompt: Prompt,
    context: Context,
    launch: Launch,
    tally: Tally,
    read: Callable[[bytes], None],
    finish: Callable[[], None] = lambda: None,
) -> Turn:
    """Run it to its end and say what came of it. `finish` may add to the tally what is known only then.

    Raises StateError when the transcripts cannot be written.
    """
    kept = files(context)
    for path, data in ((kept.prompt, prompt.encoded), (kept.stdout, b""), (kept.stderr, b"")):
        keep_file(context, path.name, data)
    program = Program(
        argv=launch.argv,
        cwd=context.workspace.resolve(),
        env=launch.env,
        timeout=context.timeout,
        stdout=kept.stdout,
        stderr=kept.stderr,
        stdin=launch.stdin,
        rules=context.rules,
    )
    ending = await run(program, read)
    finish()
    return _turn(ending, tally, kept, context, launch.silent_ok)


def keep_file(context: Context, name: str, data: bytes) -> Path:
    """Write a file of this turn beside its transcripts; its absolute path. Raises StateError."""
    path = context.transcripts.resolve() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        what = f"cannot keep transcripts in {path.parent}: {error.strerror}"
        raise StateError(what, hint="choose another folder, or make this one writable") from error
    return path


def _turn(ending: Ending, tally: Tally, kept: Transcripts, context: Context, silent_ok: bool) -> Turn:
    status, cause, problem = _judge(ending, tally, kept.stderr, silent_ok)
    return Turn(
        status=status,
        session_id=tally.session_id,
        seconds=ending.seconds,
        transcripts=kept,
        code=ending.code,
        problem=problem,
        cause=cause,
        message=cut(clean(tally.message), context.rules.message_chars),
        model=one_line(tally.model),
        usage=tally.usage,
        cost_usd=tally.cost_usd,
        steps=tally.steps,
        tools=tally.tools,
        leftovers=ending.leftovers,
        notes=_notes(ending, tally, context.rules.notes),
    )


def _judge(ending: Ending, tally: Tally, stderr: Path, silent_ok: bool) -> tuple[Status, str, str]:
    """`(status, cause, problem)`: what stopped it from outside, then what it says itself, then how it exited."""
    if ending.timed_out:
        spent = f"ended after {ending.seconds:.0f} s, its whole budget"
        problem = "; ".join(filter(None, (ending.problem, tally.trouble, spent)))
        return "timed_out", "model" if tally.trouble else "timeout", problem
    if ending.lost:
        return "failed", "lost", one_line(ending.problem)
    if ending.code is None:
        return "not_started", "start", one_line(ending.problem or "it was stopped", 500)
    if tally.problem:
        return "failed", tally.cause, tally.problem
    if ending.code != 0:
        return "failed", "exit", _last_words(stderr) or f"it ended with {_exit(ending.code)} and said nothing"
    if not (tally.finished or silent_ok):
        return "failed", "silent", "its event stream has no end"
    return "ok", "", ""


def _exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _last_words(stderr: Path) -> str:
    with stderr.open("rb") as file:
        file.seek(max(stderr.stat().st_size - _TAIL, 0))
        lines = clean(file.read().decode("utf-8", "replace")).split("\n")
    return next((one_line(line, 500) for line in reversed(lines) if line.strip()), "")


def _notes(ending: Ending, tally: Tally, most: int) -> tuple[str, ...]:
    notes = list(tally.notes[:most])
    if len(tally.notes) > most:
        notes.append(f"{len(tally.notes) - most} notes more")
    if ending.dropped:
        notes.append(f"{ending.dropped} bytes of output are not in the transcripts")
    if ending.skipped:
        notes.append(f"{ending.skipped} events were too long to be read")
    if ending.leftovers:
        notes.append(f"{ending.leftovers} processes were still running and were ended")
    return tuple(notes)


def find_program(name: str) -> str:
    """The program's absolute path, symbolic links kept; the name itself where it is nowhere on PATH."""
    import shutil

    found = shutil.which(name)
    return os.path.abspath(found) if found else name


async def identify(name: str, program: str, keep: Sequence[str]) -> Identity:
    """Ask `program --version`; the answer's first line is the version."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        out, err = here / "out", here / "err"
        env = scrub(os.environ, keep)
        ending = await run(Program([program, "--version"], here, env, Agents().identify, out, err))
        said = one_line(out.read_text(encoding="utf-8", errors="replace").partition("\n")[0])
        problem = ending.problem or ("" if ending.code == 0 else _last_words(err) or "it did not tell its version")
    return Identity(name, said, program, one_line(problem))
