"""The leakage audit: was the harness given what the comparison is meant to find out?

Looked for in the bundle: the answers that tasks state, what the best trials came to, the verifier's held-out files,
the tasks' names. Besides, files of the bundle are handed in as the result, to see whether one of them scores.
"""

import json
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from harnessgym_mcp.core.leakage import Leak, Needle, scan
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.tasks import worse_of
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import plan as trials_of
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_plan import Plan, TaskPlan
from harnessgym_mcp.gym.trial_parts import policy_of, score_folder

__all__ = ["audit"]

_CODE = frozenset({".py", ".sh", ".c", ".h", ".cc", ".cpp", ".js", ".ts", ".rs", ".go", ".java", ".toml", ".cfg"})
_PIECE = 24  # characters of a final case, at least: shorter ones are found by chance
_FILE = 256 * 1024  # bytes; what is longer is no text that somebody would have copied


async def audit(files: Files, plan: Plan, outcomes: Mapping[str, Outcome]) -> list[Leak]:
    """Everything found; meant for the end of a comparison with a harnessed arm. Raises StateError, OSError."""
    rules = policy_of(plan).compare
    bundle = _texts(files.input(plan.design.bundle.digest))
    best = {task.id: _best(files, plan, task, outcomes) for task in plan.tasks}
    needles = chain.from_iterable(_needles(files, task, best[task.id], rules) for task in plan.tasks)
    found = scan(bundle, needles)
    return found + [leak async for leak in _fixtures(files, plan, bundle, best, rules)]


def _needles(files: Files, task: TaskPlan, best: Path | None, rules: Compare) -> Iterator[Needle]:
    yield from (Needle(kind="task", text=name, whose=task.id) for name in task.names)
    yield from (Needle(kind="answer", text=text, whose=f"stated by {task.id}") for text in task.answers)
    for path, text in _texts(best).items() if best else ():
        yield Needle(kind="answer", text=text, whose=f"{path} of the best trial at {task.id}")
    if task.held_out:
        cases = _texts(files.input(task.held_out)).items()
        pieces = chain.from_iterable(((path, piece) for piece in _pieces(path, text)) for path, text in cases)
        for path, piece in islice(pieces, rules.needles):
            yield Needle(kind="final_case", text=piece, whose=f"{path} of {task.id}")


def _pieces(path: str, text: str) -> Iterator[str]:
    """A held-out file whole; of data also each case and line that is long enough to be no coincidence."""
    yield text
    suffix = PurePosixPath(path).suffix
    if suffix == ".json":
        yield from (piece for piece in _cases(text) if len(piece) >= _PIECE)
    elif suffix not in _CODE:
        yield from (line.strip() for line in text.splitlines() if len(line.strip()) >= _PIECE)


def _cases(text: str) -> Iterator[str]:
    """The elements of a JSON file's lists, at the top or one below; without braces, to be found as they are."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    for value in told.values() if isinstance(told, dict) else [told]:
        for case in value if isinstance(value, list) else ():
            yield json.dumps(case)[1:-1] if isinstance(case, dict) else json.dumps(case)


def _best(files: Files, plan: Plan, task: TaskPlan, outcomes: Mapping[str, Outcome]) -> Path | None:
    """The folder with what the task's best trial changed; None where nobody scored."""
    mine = [outcomes[t.id] for t in trials_of(plan.design) if t.task == task.id and t.id in outcomes]
    scored = [o for o in mine if o.passed and o.score is not None and _result(files, o).is_dir()]
    sign = 1 if plan.design.direction == "higher" else -1
    best = max(scored, key=lambda o: sign * (o.score or 0.0), default=None)
    return _result(files, best) if best else None


def _result(files: Files, outcome: Outcome) -> Path:
    return files.trial(outcome.trial) / f"try-{outcome.tries}" / "result"


async def _fixtures(
    files: Files, plan: Plan, bundle: Mapping[str, str], best: Mapping[str, Path | None], rules: Compare
) -> AsyncIterator[Leak]:
    """Each file of the bundle in the place of each result of its kind."""
    tried = [
        (task, path, shipped)
        for task in plan.tasks
        for path in _results(task, best[task.id])
        for shipped in bundle
        if PurePosixPath(path).suffix == PurePosixPath(shipped).suffix
    ]
    root = files.input(plan.design.bundle.digest)
    for number, (task, path, shipped) in enumerate(tried[: rules.audited]):
        logs = files.out / "audit" / str(number)
        logs.mkdir(parents=True, exist_ok=True)
        got = await score_folder(task, files, files.input(task.workspace), logs, plan, [(path, root / shipped)])
        if got.passed and _beats_start(plan, task, got.score):
            told = "passes" if got.score is None else f"scores {got.score:g}"
            yield Leak(kind="fixture", where=one_line(shipped), what=f"a file that {told} as {path} of {task.id}")


def _results(task: TaskPlan, best: Path | None) -> list[str]:
    """Paths that a result is made of: those the task names, else those that the best trial changed."""
    return task.results or sorted(_texts(best) if best else ())


def _beats_start(plan: Plan, task: TaskPlan, score: float | None) -> bool:
    start = next(t.baseline for t in plan.design.tasks if t.id == task.id)
    if start is None or score is None:
        return True
    return score != start and worse_of(plan.design.direction, [score, start]) == start


def _texts(root: Path) -> dict[str, str]:
    """Relative path -> text, of the files that are text and not too long."""
    found = {}
    for path in sorted(_regular(root)):
        data = path.read_bytes() if path.stat().st_size <= _FILE else b"\0"
        if b"\0" not in data:
            found[path.relative_to(root).as_posix()] = data.decode("utf-8", "replace")
    return found


def _regular(root: Path) -> Iterable[Path]:
    for folder, _, names in os.walk(root):
        yield from (p for p in (Path(folder, n) for n in names) if p.is_file() and not p.is_symlink())
