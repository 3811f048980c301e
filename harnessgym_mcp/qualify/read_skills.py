"""Skills by themselves, as artifacts to be."""

import re
from pathlib import Path

from harnessgym_mcp.core.formats.common import Draft, artifact_name, plugin_json
from harnessgym_mcp.core.front_matter import FrontMatterError, front_matter
from harnessgym_mcp.qualify.candidates import Bench, Candidate

__all__ = ["read_skill", "read_skills", "skill_title"]


def read_skills(folder: Path, bench: Bench) -> list[Candidate]:
    """Every folder with a SKILL.md right below this one."""
    found = sorted(p.parent for p in folder.glob("*/SKILL.md")) if folder.is_dir() else []
    return [read_skill(path, bench) for path in found]


def read_skill(folder: Path, bench: Bench) -> Candidate:
    """One skill's folder as an artifact."""
    return bench.attempt(folder.name, "skill", lambda: _skill(folder, bench))


def skill_title(folder: Path) -> tuple[str, str]:
    """The skill's own name where it is a fit one, else its folder's; and its description."""
    try:
        fields = front_matter((folder / "SKILL.md").read_text("utf-8", "replace"))
    except (FrontMatterError, OSError):
        fields = {}
    name, description = fields.get("name"), fields.get("description")
    fit = isinstance(name, str) and re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", name)
    return (str(name) if fit else folder.name), description if isinstance(description, str) else ""


def _skill(folder: Path, bench: Bench) -> Candidate:
    title, description = skill_title(folder)
    name = artifact_name(title)
    place = bench.fresh(name)
    bench.take(folder, place / "skills" / title)
    notes = [f"its folder was called {folder.name!r}"] if title != folder.name else []
    draft = Draft(name, plugin_json(name, description, {"imported_from": "skill"}), None, notes)
    return bench.finish(place, draft, "skill", "skill")
