"""Which sandbox? The strongest tier that really works here, found by probing inside each, and remembered.

What was found stays in `isolation.json` of the state folder until the machine's start, kernel, sandbox program,
interpreter or this package changes: a live mount's start pays one small file.
"""

import contextlib
import dataclasses
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

import msgspec

from harnessgym_mcp import __version__
from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.core.records import decoded, readable
from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.bare import BareSandbox
from harnessgym_mcp.proc.bubblewrap import BubblewrapSandbox, find_bwrap
from harnessgym_mcp.proc.landlock import LandlockSandbox
from harnessgym_mcp.proc.room import Bounds
from harnessgym_mcp.proc.sandbox import Sandbox
from harnessgym_mcp.proc.tags import family_of
from harnessgym_mcp.proc.toolchain import find_toolchain

__all__ = ["choose_sandbox", "probe_all"]

_Tier = Literal["A", "B", "C", "D"]
_FILE = "isolation.json"
_NEEDED = (
    "secrets_hidden",
    "writes_confined",
    "kernel_settings_read_only",
    "network_denied",
    "unix_sockets_denied",
    "environment_scrubbed",
)
_HINT = "`harnessgym doctor` shows what was tried; the package bubblewrap gives tier A on most Linux machines"


class _Cache(msgspec.Struct, frozen=True):
    key: list[str]
    reports: dict[str, IsolationReport] = {}  # by the tier asked for, or "auto"


def choose_sandbox(policy: Isolation, state: Path, wanted: str = "") -> Sandbox:
    """The sandbox for this machine; `state` is a folder that may not exist yet.

    `wanted` is the tier that an artifact was qualified in, "" for any. Raises IsolationError when the tier that is
    forced by policy or wanted does not work here, or when the two differ.
    """
    tier = _asked(policy, wanted)
    cache, family = _read(state / _FILE), family_of(state)
    if tier not in cache.reports:
        report = _find(policy, (cast(_Tier, tier),) if tier != "auto" else _tiers(), family)
        cache = _Cache(cache.key, {**cache.reports, tier: report})
        _write(state / _FILE, cache)
    report = cache.reports[tier]
    limits = dataclasses.asdict(Bounds.of(policy))
    return _BUILD[report.tier](msgspec.structs.replace(report, limits=limits), family)


def probe_all(policy: Isolation) -> list[IsolationReport]:
    """Each tier that this system could have, probed; one that does not work has the reason in `tried`."""
    reports = []
    for tier in _tiers():
        try:
            reports.append(_find(policy, (tier,)))
        except IsolationError as error:
            reports.append(IsolationReport(tier=tier, mechanism="", tried=[{"tier": tier, "error": error.message}]))
    return reports


def _asked(policy: Isolation, wanted: str) -> str:
    if wanted and policy.tier not in ("auto", wanted):
        raise IsolationError(
            f"it was qualified in tier {wanted}, but policy asks for tier {policy.tier}",
            hint="qualify it again, or set isolation.tier to auto",
        )
    return wanted or policy.tier


def _tiers() -> tuple[_Tier, ...]:
    return ("C", "D") if sys.platform == "darwin" else ("A", "B", "D")


def _find(policy: Isolation, tiers: tuple[_Tier, ...], family: str = "") -> IsolationReport:
    """The report of the first tier that stands its probe, with all that were tried."""
    from harnessgym_mcp.proc.attest import attest

    tried: list[dict[str, str]] = []
    for tier in tiers:
        try:
            sandbox = _BUILD[tier](None, family)
            in_force = attest(sandbox, policy)
        except (IsolationError, KeyError) as error:
            tried.append({"tier": tier, "error": str(error)})
            continue
        missing = [name for name, held in in_force.items() if not held]
        lacking = [name for name in _NEEDED if name in missing and tier != "D"]
        tried.append({"tier": tier, "error": f"not in force: {', '.join(lacking)}" if lacking else ""})
        if not lacking:
            report = sandbox.report
            return msgspec.structs.replace(report, in_force=in_force, missing=missing, tried=list(tried))
    why = "; ".join(f"{t['tier']}: {t['error']}" for t in tried)
    raise IsolationError(f"no sandbox works here ({why})", hint=_HINT)


def _bubblewrap(report: IsolationReport | None, family: str) -> Sandbox:
    return BubblewrapSandbox(find_bwrap(), find_toolchain(), report, family)


def _landlock(report: IsolationReport | None, family: str) -> Sandbox:
    return LandlockSandbox(find_toolchain(), report, family)


def _seatbelt(report: IsolationReport | None, family: str) -> Sandbox:
    from harnessgym_mcp.proc.seatbelt import SeatbeltSandbox

    return SeatbeltSandbox(find_toolchain(), report, family)


def _bare(report: IsolationReport | None, family: str) -> Sandbox:
    return BareSandbox(find_toolchain(), report, family)


_BUILD: dict[str, Callable[[IsolationReport | None, str], Sandbox]] = {
    "A": _bubblewrap,
    "B": _landlock,
    "C": _seatbelt,
    "D": _bare,
}


def _key() -> list[str]:
    """Everything that a probe's result hangs on."""
    return [
        __version__,
        sys.executable,
        platform.release(),
        str(os.geteuid()),
        _text("/proc/sys/kernel/random/boot_id"),
        *(line for line in _text("/proc/self/status").splitlines() if line.startswith(("NoNewPrivs", "Seccomp:"))),
        *(_link(f"/proc/self/ns/{name}") for name in ("user", "pid", "mnt")),
        _stamp(),
    ]


def _stamp() -> str:
    try:
        bwrap = find_bwrap().program
        return f"{bwrap} {bwrap.stat().st_mtime_ns}"
    except (IsolationError, OSError):
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _read(file: Path) -> _Cache:
    """Empty when there is none, it is damaged, or it was made under other conditions."""
    key = _key()
    try:
        cache = decoded(file.read_bytes(), _Cache)
    except (OSError, msgspec.MsgspecError):
        return _Cache(key)
    return cache if cache.key == key else _Cache(key)


def _write(file: Path, cache: _Cache) -> None:
    """By rename, so that no other front reads half of it. A state folder that cannot be written costs only time."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        new.write_bytes(readable(cache))
        new.replace(file)
