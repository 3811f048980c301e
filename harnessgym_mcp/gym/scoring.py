"""The independent check of an attempt: a command of the user's, its output read strictly, nothing of it left running.

It runs after every attempt, timed-out ones too. With a held-out folder it runs on a copy of the workspace outside of
it, the held-out files laid over the copy, so that neither the agent nor what it left behind can be in their place.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harnessgym_mcp.agents.environment import scrub
from harnessgym_mcp.agents.process import Ending, Program, run
from harnessgym_mcp.core.outcomes import Cause
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.run_state import Score
from harnessgym_mcp.core.tasks import read_verifier
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import NotFoundError, StateError, UsageError
from harnessgym_mcp.gym.compare_folders import digest_of, entries_of
from harnessgym_mcp.store.atomic import state_error

__all__ = ["Scorer", "check_scorer", "check_unchanged", "lay_over", "score", "scoring_copy", "sealed"]


class Scorer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A score command for /bin/sh. `key` is looked up as `core.tasks.read_verifier` tells; `seconds` is its time.

    The command prints one JSON object and nothing else, and exits with 0 when the result is valid."""

    command: str
    seconds: float
    key: str = "score"
    held_out: str = ""  # absolute path of a folder; "": the command runs in the workspace itself
    held_out_digest: str = ""  # of its files when the run began


def check_scorer(scorer: Scorer, workspace: Path) -> None:
    """Raises UsageError for an empty command or a held-out folder that is none or that the agent would see."""
    if not scorer.command.strip():
        raise UsageError("the score command is empty", hint="--score-command 'python3 verify.py'")
    if not scorer.held_out:
        return
    folder = Path(scorer.held_out).resolve()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {scorer.held_out!r}", hint="--held-out DIR names a folder of files")
    if folder.is_relative_to(workspace.resolve()) or workspace.resolve().is_relative_to(folder):
        raise UsageError("the held-out folder and the workspace lie in one another", hint="keep it elsewhere")


def sealed(scorer: Scorer) -> Scorer:
    """With the digest of the held-out files as they are now. Raises UsageError, StateError for what cannot be read."""
    return replace(scorer, held_out_digest=_digest(scorer)) if scorer.held_out else scorer


def check_unchanged(scorer: Scorer) -> None:
    """Raises StateError where the held-out files are gone or others than when the run began: an agent of the same user
    could have seen to that, and scores of other cases cannot be compared."""
    if not scorer.held_out_digest:
        return
    try:
        changed = _digest(scorer) != scorer.held_out_digest
    except NotFoundError:
        changed = True
    if changed:
        what = f"the held-out files in {scorer.held_out!r} are not what they were when the run began"
        raise StateError(what, hint="put them back and resume the run, or begin a new one")


def _digest(scorer: Scorer) -> str:
    return digest_of(entries_of(Path(scorer.held_out)))


async def score(
    scorer: Scorer, folder: Path, logs: Path, policy: Policy, env: Mapping[str, str] | None = None
) -> Score:
    """Run the command in `folder`; its output is kept in `logs`. A failure of any kind is a Score that says so.

    `env` is set on top of a scrubbed environment; HARNESSGYM_WORKSPACE is the folder.
    """
    own = {"HARNESSGYM_WORKSPACE": str(folder.resolve()), **(env or {})}
    program = Program(
        argv=["/bin/sh", "-c", scorer.command],
        cwd=folder.resolve(),
        env=scrub(os.environ, (), own),
        timeout=scorer.seconds,
        stdout=logs / "score.stdout.txt",
        stderr=logs / "score.stderr.txt",
        rules=policy.agents,
    )
    return _read(await run(program), program, scorer, policy.loop.score_bytes)


def _read(ending: Ending, program: Program, scorer: Scorer, most: int) -> Score:
    found = Score(seconds=round(ending.seconds, 3), code=ending.code)
    if ending.timed_out:
        return _failed(found, "verifier_timed_out", f"the score command did not end within {scorer.seconds:g} s")
    if ending.code is None:
        return _failed(found, "environment", f"the score command did not run: {ending.problem}")
    if ending.dropped or program.stdout.stat().st_size > most:
        return _failed(found, "verifier_output", f"the score command printed more than {most} bytes")
    output = program.stdout.read_bytes().decode("utf-8", "replace")
    said = read_verifier(output, exit_code=ending.code, key=scorer.key)
    return replace(found, passed=said.passed, score=said.score, cause=said.cause, message=said.message)


def _failed(found: Score, cause: Cause, message: str) -> Score:
    return replace(found, cause=cause, message=one_line(message, 500))


@contextmanager
def scoring_copy(held_out: str, unfold: Callable[[Path], None]) -> Iterator[Path]:
    """A folder outside of the workspace, filled by `unfold` and then overlaid; gone afterwards. Raises StateError."""
    outer = Path(tempfile.mkdtemp(prefix="harnessgym-score-"))
    try:
        inner = outer / "workspace"
        unfold(inner)
        lay_over(Path(held_out), inner)
        yield inner
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def lay_over(source: Path, target: Path) -> None:
    """Copy the files below `source` over `target`; what stands in their way there is removed, links never followed.

    Raises StateError."""
    try:
        for folder, _, files in os.walk(source):
            below = target / os.path.relpath(folder, source)
            _real_folder(target, below)
            for name in files:
                _remove(below / name)
                shutil.copy2(Path(folder, name), below / name)
    except OSError as error:
        raise state_error("lay the held-out files over", target, error) from error


def _real_folder(root: Path, folder: Path) -> None:
    """Make it, with real folders all the way from `root`."""
    step = root
    for part in folder.relative_to(root).parts:
        step = step / part
        if step.is_symlink() or not step.is_dir():
            _remove(step)
            step.mkdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
