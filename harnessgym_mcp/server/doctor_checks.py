"""The doctor's checks of this machine and this home. Each changes nothing but a file that it removes again."""

import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from harnessgym_mcp import __version__
from harnessgym_mcp.core.lifecycle import SCHEMA, decode_registry
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import PackagesError
from harnessgym_mcp.server.doctor_finding import Check, Context, Finding, Status
from harnessgym_mcp.server.doctor_isolation import check_isolation
from harnessgym_mcp.store.verdicts import VerdictStore

__all__ = ["CHECKS"]

_OLDEST = (3, 11)
_FIRST_RELEASE = 1_735_689_600  # 2025: a clock before this is not set
_ELSEWHERE = "use another folder: --home and --state"
_MIB = 1 << 20


def _check_python(context: Context) -> Finding:
    said = f"Python {platform.python_version()} ({sys.executable}), harnessgym {__version__}"
    if sys.version_info < _OLDEST:
        return Finding("fail", said, "use Python 3.11 or newer")
    return Finding("ok", said, details={"python": platform.python_version(), "harnessgym": __version__})


def _check_home(context: Context) -> Finding:
    root = context.home.root
    if not os.path.lexists(root):
        problem = _unwritable(_nearest(root))
        if problem:
            return Finding("fail", f"{root} cannot be made: {problem}", _ELSEWHERE)
        return Finding("ok", f"{root} is not there yet; it is made at first use or by `harnessgym init`")
    if root.is_symlink():
        return Finding("fail", f"{root} is a symbolic link", "replace it by a folder; links are not followed here")
    problem = _unwritable(root)
    return Finding("fail", f"{root}: {problem}", _ELSEWHERE) if problem else Finding("ok", f"{root} can be written")


def _check_state(context: Context) -> Finding:
    state = context.home.state
    problem = _unwritable(_nearest(state))
    if problem:
        what = f"{state}: {problem}; verdicts of this machine are kept in a temporary folder meanwhile"
        return Finding("warn", what, "make it writable, or give --state or XDG_STATE_HOME")
    return Finding("ok", f"{state} can be written")


def _check_registry(context: Context) -> Finding:
    path = context.home.registry
    try:
        registry = decode_registry(path.read_bytes())
    except FileNotFoundError:
        return Finding("ok", "no registry yet: nothing was published here")
    except OSError as error:
        return Finding("fail", f"{path} cannot be read: {error.strerror}", "check its owner and mode")
    except msgspec.MsgspecError as error:
        remedy = "any command that uses it sets it aside and rebuilds it from generated/: `harnessgym list`"
        return Finding("fail", f"{path} is damaged: {one_line(str(error))}", remedy)
    if registry.schema > SCHEMA:
        return Finding("fail", f"{path} was written by a newer HarnessGym", "use that one, or another --home")
    verdicts = VerdictStore(context.home.state)
    active = [a for a in registry.artifacts.values() if a.status == "active" and a.versions]
    unjudged = sorted(a.name for a in active if verdicts.load(a.current) is None)
    said = f"artifacts: {len(registry.artifacts)}, in quarantine: {len(registry.quarantine)}"
    if unjudged:
        what = f"{said}; without a verdict from this machine: {one_line(', '.join(unjudged))}"
        return Finding("warn", what, "`harnessgym requalify` (a session does it by itself in the background)")
    return Finding("ok", said, details={"artifacts": len(registry.artifacts), "quarantine": len(registry.quarantine)})


def _check_telemetry(context: Context) -> Finding:
    path = context.home.telemetry
    if not path.exists():
        return Finding("ok", "no call on record yet")
    import sqlite3

    from harnessgym_mcp.store.calls_table import shape_is_right

    remedy = "the next session sets it aside and begins a new one; only statistics are lost"
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=Telemetry().busy)
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            right = shape_is_right(connection)
            calls = connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0] if right else 0
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Finding("fail", f"{path} cannot be read: {one_line(str(error))}", remedy)
    if said != "ok" or not right:
        return Finding("fail", f"{path} is damaged: {one_line(str(said))}", remedy)
    return Finding("ok", f"calls on record: {calls}", details={"calls": calls})


def _check_search(context: Context) -> Finding:
    """FTS5 ranks what harnessgym.tools finds."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
    except sqlite3.Error:
        what = f"SQLite {sqlite3.sqlite_version} has no FTS5: tools are found by plain words only"
        return Finding("warn", what, "use a Python whose SQLite has FTS5, for example `uv python install`")
    finally:
        connection.close()
    return Finding("ok", f"SQLite {sqlite3.sqlite_version} with FTS5")


def _check_uv(context: Context) -> Finding:
    import subprocess

    from harnessgym_mcp.proc.environments import find_uv

    try:
        program = find_uv()
        seconds = context.policy.doctor.version
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=seconds)
    except PackagesError as error:
        return Finding("warn", f"{error.message}: artifacts cannot have Python packages", error.hint)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("warn", f"uv does not run: {one_line(str(error))}", "`pip install --force-reinstall uv`")
    return Finding("ok", f"{one_line(done.stdout)} ({program})")


def _check_orphans(context: Context) -> Finding:
    """What fronts that died without ending their servers have left."""
    from harnessgym_mcp.proc.orphans import find_orphans

    found = find_orphans(context.home.state, context.policy.lifecycle.prune_age)
    processes, folders = sorted(found.processes), [str(path) for path in found.places]
    if not processes and not folders:
        return Finding("ok", "nothing is left over from crashed sessions")
    what = f"left over from crashed sessions: {len(processes)} processes, {len(folders)} folders"
    remedy = "the next session ends and removes them; `harnessgym doctor --fix` does it now"
    return Finding("warn", what, remedy, {"processes": processes, "folders": folders})


def _check_clock(context: Context) -> Finding:
    from harnessgym_mcp.store.callstats import recent_calls

    now, most = time.time(), context.policy.doctor.clock_skew
    if now < _FIRST_RELEASE:
        return Finding("fail", f"the clock says {time.ctime(now)}", "set the clock")
    with tempfile.TemporaryFile(dir=_place(context)) as file:
        apart = abs(os.fstat(file.fileno()).st_mtime - time.time())
    if apart > most:
        what = f"the file system's clock is {apart:.0f} s apart from this machine's"
        return Finding("warn", what, "synchronise both clocks: edits may be seen late")
    ahead = max((call["at"] for call in recent_calls(context.home, 1)), default=0.0) - now
    if ahead > most:
        return Finding("warn", f"the newest call on record lies {ahead:.0f} s in the future", "set the clock")
    return Finding("ok", time.strftime("%Y-%m-%d %H:%M:%S %z"))


def _check_disk(context: Context) -> Finding:
    places = {_nearest(p) for p in (context.home.root, context.home.state, Path(tempfile.gettempdir()))}
    least, free = min(((place, shutil.disk_usage(place).free // _MIB) for place in sorted(places)), key=lambda x: x[1])
    bounds = context.policy.doctor
    said = f"{free} MiB free at {least}"
    full = [str(place) for place in places if _no_inodes(place)]
    status: Status = "fail" if free < bounds.free_least_mb or full else "warn" if free < bounds.free_mb else "ok"
    if full:
        said += f"; no file can be made at {', '.join(full)}"
    return Finding(status, said, "free some space" if status != "ok" else "", {"free_mb": free})


def _no_inodes(place: Path) -> bool:
    found = os.statvfs(place)
    return found.f_files > 0 and found.f_favail == 0


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _place(context: Context) -> Path | None:
    """A folder on the home's file system to put a file in for a moment; None for the temporary one."""
    nearest = _nearest(context.home.root)
    return nearest if not _unwritable(nearest) else None


def _unwritable(folder: Path) -> str:
    """Why no file can be made there, found by making one; "" when it can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


CHECKS: dict[str, Check] = {
    "python": _check_python,
    "home": _check_home,
    "state": _check_state,
    "registry": _check_registry,
    "telemetry": _check_telemetry,
    "isolation": check_isolation,
    "uv": _check_uv,
    "search": _check_search,
    "orphans": _check_orphans,
    "clock": _check_clock,
    "disk": _check_disk,
}
