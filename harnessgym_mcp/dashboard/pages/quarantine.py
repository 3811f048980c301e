"""What was rejected, and the evidence: findings, stages, the isolation in force, the files that were kept."""

from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request

from harnessgym_mcp.core.lifecycle import Quarantined, hidden
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Severity
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.store.evidence import read_evidence

__all__ = ["evidence", "quarantine"]

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


def quarantine(site: Site, request: Request) -> dict[str, Any]:
    registry = site.stores().registry.load()
    now_hidden = hidden(registry)
    return {
        "hidden": sorted(now_hidden, key=lambda q: -q.at),
        "repaired": sorted((q for q in registry.quarantine if q not in now_hidden), key=lambda q: -q.at),
    }


def evidence(site: Site, request: Request) -> dict[str, Any]:
    """One rejected tree. Raises NotFoundError, CorruptError."""
    entry = _entry(site, request.path_params["name"], request.path_params["digest"])
    registry = site.stores().registry.load()
    folder = site.home.quarantined(entry.name, entry.digest)
    verdict = read_evidence(folder)
    return {
        "entry": entry,
        "verdict": verdict,
        "findings": sorted(verdict.findings, key=lambda f: _ORDER[f.severity]),
        "files": _files(folder / "tree.json"),
        "folder": str(folder),
        "repaired": entry not in hidden(registry),
        "others": [q for q in registry.quarantine if q.name == entry.name and q != entry],
        "known": entry.name in registry.artifacts,
    }


def _entry(site: Site, name: str, digest: str) -> Quarantined:
    for entry in site.stores().registry.load().quarantine:
        if entry.name == name and entry.digest.removeprefix("sha256:")[:12] == digest:
            return entry
    raise NotFoundError(
        f"nothing of {one_line(name, 60)} is quarantined under {one_line(digest, 20)}", hint="see the list"
    )


def _files(path: Path) -> list[dict[str, Any]]:
    """The kept files as tree.json lists them; it is told elsewhere when it is damaged."""
    try:
        files = decoded(path.read_bytes(), dict)["files"]
    except (OSError, msgspec.MsgspecError, KeyError, TypeError):
        return []
    return [f for f in files if isinstance(f, dict)] if isinstance(files, list) else []
