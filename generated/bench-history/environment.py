"""Where a measurement was made: what decides whether two can be compared, and what is good to know besides."""

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

IDENTITY = ("machine", "cpu", "cores", "memory_gib", "system", "also")
"""Two measurements with the same values of these were made in the same place."""


def here(also: dict[str, str]) -> dict[str, Any]:
    """This machine, with what the caller says besides (compiler, power profile, ...); `id` stands for the identity."""
    found: dict[str, Any] = {
        "machine": platform.machine(),
        "cpu": _field("/proc/cpuinfo", "model name") or _field("/proc/cpuinfo", "CPU part") or platform.processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": _memory(),
        "system": platform.system(),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
    }
    found |= {"also": also} if also else {}
    identity = {key: found[key] for key in IDENTITY if key in found}
    return {"id": hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12], **found}


def _field(path: str, name: str) -> str:
    """The first value of `name : value` lines; "" where there is none."""
    try:
        lines = Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")


def _memory() -> int:
    kilobytes = _field("/proc/meminfo", "MemTotal").split()
    return round(int(kilobytes[0]) / 2**20) if kilobytes and kilobytes[0].isdigit() else 0


def commit() -> str:
    """The workspace's commit, shortened; "" where it is no git checkout. Read from the files: git need not be there."""
    git = Path(os.environ.get("HARNESSGYM_WORKSPACE") or ".") / ".git"
    try:
        head = (git / "HEAD").read_text("utf-8").strip()
        name = head.removeprefix("ref: ")
        return (head if name == head else _resolved(git, name))[:12]
    except (OSError, UnicodeError):
        return ""


def _resolved(git: Path, name: str) -> str:
    loose = git / name
    if loose.is_file():
        return loose.read_text("utf-8").strip()
    lines = (git / "packed-refs").read_text("utf-8").splitlines()
    return next((line.split()[0] for line in lines if line.endswith(" " + name)), "")
