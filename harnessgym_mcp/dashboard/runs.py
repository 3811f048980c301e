"""Runs and comparisons as they lie in `<home>/runs`, and comparisons in folders of the workspace (`compare --out`):
read tolerantly, for they may be half written or newer."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.policy import Dashboard
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import CorruptError, NotFoundError
from harnessgym_mcp.report.model import ReportModel, decode
from harnessgym_mcp.store.home import Home

__all__ = ["Found", "find_run", "found_runs"]

_REPORT = "report.json"
_RUN = "harnessgym/run/1"
_PLAN = "plan.json"
_RECORDS = ("state.json", "summary.json")


@dataclass(frozen=True, slots=True)
class Found:
    """One folder of runs: a comparison where `model` is there, else a run's own `record` (its report, or its state
    while it is under way). `problem` says what could not be read. `at` is when it last changed, in seconds since the
    epoch."""

    id: str
    at: float
    model: ReportModel | None = None
    record: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def found_runs(home: Home, policy: Dashboard) -> list[Found]:
    """The newest first."""
    return [_read(folder, at, policy) for at, folder in _folders(home)[: policy.runs]]


def find_run(home: Home, id: str, policy: Dashboard) -> Found:
    """One run by its folder's name. Raises NotFoundError."""
    for at, folder in _folders(home):
        if folder.name == id:
            return _read(folder, at, policy)
    raise NotFoundError(f"no run is called {one_line(id, 60)}", hint="see the list of runs")


def _folders(home: Home) -> list[tuple[float, Path]]:
    outs = [p for p in _below(home.workspace) if (p / _PLAN).is_file() and (p / _REPORT).is_file()]
    return sorted(((_changed(p), p) for p in [*_below(home.runs), *outs]), reverse=True)


def _below(folder: Path) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")]
    except OSError:
        return []


def _changed(folder: Path) -> float:
    files = [p for p in (folder, *(folder / n for n in (_REPORT, *_RECORDS))) if p.exists()]
    return max(p.stat().st_mtime for p in files)


def _read(folder: Path, at: float, policy: Dashboard) -> Found:
    try:
        if data := _bytes(folder / _REPORT, policy.report_bytes):
            record = _object(data, _REPORT)
            if record.get("schema") == _RUN:
                return Found(folder.name, at, record=record)
            return Found(folder.name, at, model=decode(data))
        for name in _RECORDS:
            if data := _bytes(folder / name, policy.report_bytes):
                return Found(folder.name, at, record=_object(data, name))
    except CorruptError as error:
        return Found(folder.name, at, problem=error.message)
    return Found(folder.name, at, problem="it holds no report and no record yet")


def _bytes(path: Path, most: int) -> bytes:
    """A regular file's content; nothing where there is none. Raises CorruptError."""
    if path.is_symlink() or not path.is_file():
        return b""
    if path.stat().st_size > most:
        raise CorruptError(f"{path.name} is larger than {most} bytes")
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorruptError(f"{path.name} cannot be read: {error.strerror}") from error


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptError(f"{name} is not JSON: {one_line(str(error), 100)}") from error
    if not isinstance(value, dict):
        raise CorruptError(f"{name} is no object")
    return value
