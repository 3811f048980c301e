"""From what a trial left behind to its record: the agent's turn, telemetry, changed files, the machine."""

import json
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.agent import Turn
from harnessgym_mcp.core.outcomes import Call, Cause
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.store.callstats import recent_calls
from harnessgym_mcp.store.home import Home

__all__ = ["cause_of", "gather_calls", "keep_result", "machine"]

_ROWS = 100_000
_CAUSES: dict[str, Cause] = {"budget": "budget_spent", "model": "provider_unavailable", "lost": "worker_lost"}


def cause_of(turn: Turn) -> Cause:
    """Why an attempt ended otherwise than well; a silent provider and a missing program are nobody's fault."""
    if turn.status == "ok":
        return ""
    if turn.status == "not_started":
        return "agent_missing"
    failed: Cause = "agent_timed_out" if turn.status == "timed_out" else "agent_failed"
    return _CAUSES.get(turn.cause, failed)


def gather_calls(home: Home, began: float, edits: Sequence[float], kept: Path) -> list[Call]:
    """The trial's calls from telemetry, oldest first; the rows themselves go to `kept`, one JSON object a line.

    `edits` are the times (seconds since the epoch) at which files of the workspace changed.
    """
    notes: list[str] = []
    rows = sorted(recent_calls(home, _ROWS, notes=notes), key=lambda row: float(row["at"]))
    lines = [json.dumps(row, default=str) for row in rows] + [json.dumps({"note": note}) for note in notes]
    kept.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    ends = [*(float(row["at"]) for row in rows[1:]), float("inf")]
    return [_call(row, began, _edited(row, until, edits)) for row, until in zip(rows, ends, strict=False)]


def keep_result(workspace: Path, changed: Sequence[str], target: Path, rules: Compare) -> list[str]:
    """Copy what an attempt changed, within bounds; gives the paths that are not in the copy."""
    left, missing = rules.kept_bytes, []
    for number, path in enumerate(changed):
        source = workspace / path
        size = source.stat().st_size if source.is_file() and not source.is_symlink() else -1
        if not 0 <= size <= left or number >= rules.kept_files:
            missing.append(path)
            continue
        left -= size
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / path)
    return missing


def machine() -> dict[str, str]:
    """What measured: processor, memory, load and versions. What cannot be told is left out."""
    facts = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "processors": str(os.cpu_count() or "?"),
        "load": _told(lambda: f"{os.getloadavg()[0]:.1f}"),
        "processor": _line("/proc/cpuinfo", "model name"),
        "memory": _line("/proc/meminfo", "MemTotal"),
    }
    return {key: value for key, value in facts.items() if value}


def _call(row: dict[str, Any], began: float, edited: bool) -> Call:
    return Call(
        tool=f"{row['artifact']}__{row['tool']}",
        status=str(row["status"]),
        at=round(float(row["at"]) - began, 3),
        ms=float(row["duration_ms"]),
        origin=str(row["origin"]),
        edit_after=edited,
    )


def _edited(row: dict[str, Any], until: float, edits: Sequence[float]) -> bool:
    ended = float(row["at"]) + float(row["duration_ms"]) / 1000
    return any(ended < at <= until for at in edits)


def _line(path: str, key: str) -> str:
    """The value of the first `key: value` line of a file of the kernel's."""
    return _told(lambda: next(_value(li) for li in Path(path).read_text().splitlines() if li.startswith(key)))


def _value(line: str) -> str:
    return line.partition(":")[2].strip()


def _told(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (OSError, StopIteration):
        return ""
