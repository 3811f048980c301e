"""Tasks as they are given to `compare`: a text, a task file with all that belongs to it, or a family that makes such.

    task.json      {"harnessgym_task": 1, "id": "kernel-plan-101", "prompt": "TASK.md", "workspace": "workspace",
                    "held_out_files": "final", "score_command": "python3 verify.py", "direction": "lower", ...}
    family.json    {"harnessgym_family": 1, "id": "kernel-plan", "generate": ["python3", "generate.py"],
                    "train_seeds": [1, 2, 3], "test_seeds": [101, 102, 103, 104]}

A family's command is run in its folder with `--seed N --out DIR` and writes a task.json there. The harness may have
been built on the train seeds; a task of any other seed is held out.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from harnessgym_mcp.agents.environment import scrub
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.tasks import Direction
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import NotFoundError, UsageError

__all__ = ["FamilyFile", "GivenTask", "TaskFile", "load_tasks", "text_task"]

_GENERATE_SECONDS = 120.0
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
T = TypeVar("T")


class TaskFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """task.json. Paths are relative to it.

    prompt: a file, or `text` itself. held_out_files: a folder that the agent never sees, laid over a copy of the
    workspace before the score command runs. held_out: the harness was not built on this task. answers: texts that
    must not be found in the bundle; results: the files that the task asks for.
    """

    harnessgym_task: int
    id: str
    title: str = ""
    family: str = ""
    seed: int = 0
    held_out: bool = False
    prompt: str = ""
    text: str = ""
    workspace: str = ""
    held_out_files: str = ""
    score_command: str = ""
    score_key: str = ""
    direction: Direction | None = None
    worst: float | None = None
    answers: list[str] = []
    results: list[str] = []


class FamilyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """family.json."""

    harnessgym_family: int
    id: str
    generate: list[str]
    title: str = ""
    train_seeds: list[int] = []
    test_seeds: list[int] = []


@dataclass(frozen=True, slots=True)
class GivenTask:
    """One task, its paths absolute; "" and None where nothing was said, and the command line decides."""

    id: str
    prompt: str
    title: str = ""
    family: str = ""
    seed: int = 0
    held_out: bool = False
    workspace: Path | None = None
    held_out_files: Path | None = None
    score_command: str = ""
    score_key: str = ""
    direction: Direction | None = None
    worst: float | None = None
    answers: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    named: bool = False  # by its author: its name in the bundle would tell something


def load_tasks(paths: Sequence[Path], seeds: Sequence[int], scratch: Path) -> list[GivenTask]:
    """`seeds` are for families (their test seeds by default), whose tasks are made in `scratch`.

    Raises NotFoundError, UsageError.
    """
    return [task for path in paths for task in _load(path, seeds, scratch)]


def text_task(text: str, id: str = "task") -> GivenTask:
    """A task that is nothing but its prompt. Raises UsageError for an empty one."""
    if not text.strip():
        raise UsageError("the task is empty", hint="say what is to be done")
    return GivenTask(id, text)


def _load(path: Path, seeds: Sequence[int], scratch: Path) -> list[GivenTask]:
    if path.is_dir():
        names = [name for name in ("family.json", "task.json") if (path / name).is_file()]
        if not names:
            raise NotFoundError(f"{str(path)!r} holds no task.json and no family.json", hint="see docs/compare.md")
        path = path / names[0]
    data = _read(path)
    if path.suffix != ".json":
        return [text_task(data.decode("utf-8", "replace"), _id(path.stem))]
    if b'"harnessgym_family"' in data:
        return _family(path, _decoded(path, data, FamilyFile), seeds, scratch)
    return [_task(path, _decoded(path, data, TaskFile))]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot read the task {str(path)!r}: {error.strerror}", hint="--task FILE") from error


def _decoded(path: Path, data: bytes, kind: type[T]) -> T:
    try:
        return decoded(data, kind)
    except msgspec.DecodeError as error:
        raise UsageError(f"{str(path)!r} is no task: {error}", hint="see docs/compare.md, Tasks") from error


def _task(path: Path, told: TaskFile) -> GivenTask:
    base = path.parent.absolute()
    prompt = told.text or (_read(base / told.prompt).decode("utf-8", "replace") if told.prompt else "")
    given = text_task(prompt, told.id)
    return GivenTask(
        id=given.id,
        prompt=given.prompt,
        title=told.title,
        family=told.family,
        seed=told.seed,
        held_out=told.held_out,
        workspace=base / told.workspace if told.workspace else None,
        held_out_files=base / told.held_out_files if told.held_out_files else None,
        score_command=told.score_command,
        score_key=told.score_key,
        direction=told.direction,
        worst=told.worst,
        answers=told.answers,
        results=told.results,
        named=True,
    )


def _family(path: Path, family: FamilyFile, seeds: Sequence[int], scratch: Path) -> list[GivenTask]:
    wanted = seeds or family.test_seeds
    if not wanted:
        raise UsageError(f"the family {one_line(family.id, 64)!r} names no test seeds", hint="--seeds 101,102")
    return [_generated(path, family, seed, scratch) for seed in wanted]


def _generated(path: Path, family: FamilyFile, seed: int, scratch: Path) -> GivenTask:
    folder = scratch / f"{_id(family.id)}-{seed}"
    _generate([*family.generate, "--seed", str(seed), "--out", str(folder)], path.parent)
    task = _decoded(folder / "task.json", _read(folder / "task.json"), TaskFile)
    held_out = seed not in family.train_seeds
    return _task(folder / "task.json", msgspec.structs.replace(task, family=family.id, seed=seed, held_out=held_out))


def _generate(command: list[str], folder: Path) -> None:
    what = one_line(" ".join(command), 200)
    try:
        done = subprocess.run(
            command, cwd=folder, env=scrub(os.environ), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_GENERATE_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{what}: {error}", hint="the family's `generate` makes its tasks") from error
    if done.returncode:
        said = one_line(done.stderr or done.stdout, 300)
        raise UsageError(f"{what} ended with {done.returncode}: {said}", hint="the family's `generate` makes its tasks")


def _id(text: str) -> str:
    """A task's id from a file's name."""
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:64]
    return cleaned if _ID.fullmatch(cleaned) else "task"
