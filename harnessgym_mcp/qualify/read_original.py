"""A `.harnessgym/` tree of the original HarnessGym, as artifacts to be: one for each server and each skill."""

from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.formats import original
from harnessgym_mcp.core.formats.common import FormatError, artifact_name
from harnessgym_mcp.core.formats.original import HOME, KINDS, LAUNCHER, MANIFESTS
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.qualify.candidates import Bench, Candidate, load_json
from harnessgym_mcp.qualify.read_skills import read_skill, skill_title

__all__ = ["read_original"]

_SHARED = tuple(KINDS[kind] for kind in ("tool", "verifier", "fixture", "test", "docs", "script"))


def read_original(root: Path, bench: Bench) -> list[Candidate]:
    """Files count, as they did there; the registry adds descriptions and tells what was quarantined."""
    told, notes = _told(root)
    found = [_server(root, manifest, told, bench) for manifest in _manifests(root, told)]
    for skill in sorted(path.parent for path in (root / "skills").glob("*/SKILL.md")):
        _add_skill(root, skill, told, bench, found)
    for candidate in found[:1]:
        candidate.notes += notes
    shared = [kind for kind in _SHARED if (root / kind).is_dir()]
    if shared and not any(c.kind == "server" and c.folder for c in found):
        note = "it is carried only beside a server of the bundle"
        found += [Candidate(name=kind, origin="harnessgym", status="skipped", notes=[note]) for kind in shared]
    return found


def _told(root: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """By path; also from a registry that was set aside when this folder became a home of ours."""
    notes = []
    for name in ("registry.json", *sorted((p.name for p in root.glob("registry.json.corrupt-*")), reverse=True)):
        try:
            told = original.told_of(load_json(root, name)) if (root / name).is_file() else {}
        except FormatError as error:
            notes.append(f"the bundle's registry counts for nothing: {error.message}")
            continue
        if told:
            return told, []
    return {}, notes


def _manifests(root: Path, told: dict[str, dict[str, Any]]) -> Iterator[Path]:
    """One for each folder below mcp/, and what else the registry calls one."""
    seen = set()
    for folder in [root / "mcp", *sorted(p for p in (root / "mcp").glob("*") if p.is_dir())]:
        named = next((folder / name for name in MANIFESTS if (folder / name).is_file()), None)
        if named:
            seen.add(named.parent)
            yield named
    for path, entry in told.items():
        place = root.parent / path if root.name == HOME else root / path.removeprefix(f"{HOME}/")
        fits = entry.get("kind") == "mcp" and place.suffix == ".json" and place.is_file() and ".." not in place.parts
        if fits and place.parent not in seen and place.is_relative_to(root):
            seen.add(place.parent)
            yield place


def _entry(root: Path, path: Path, told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the registry says of a file or of its folder."""
    own = f"{HOME}/{path.relative_to(root).as_posix()}"
    return told.get(own) or told.get(own.rpartition("/")[0]) or {}


def _held(name: str, entry: dict[str, Any], bench: Bench) -> Candidate | None:
    why = original.quarantined(entry)
    if not why or bench.quarantined:
        return None
    note = f"it is in quarantine there ({one_line(why)}); --quarantined judges it here"
    return Candidate(name=name, origin="harnessgym", status="skipped", notes=[note])


# ---- servers


def _server(root: Path, manifest: Path, told: dict[str, dict[str, Any]], bench: Bench) -> Candidate:
    entry = _entry(root, manifest, told)
    name = manifest.parent.name
    return _held(name, entry, bench) or bench.attempt(
        name, "harnessgym", lambda: _server_artifact(root, manifest, entry, bench)
    )


def _server_artifact(root: Path, manifest: Path, entry: dict[str, Any], bench: Bench) -> Candidate:
    parts = [manifest.parent.relative_to(root).as_posix(), *(kind for kind in _SHARED if (root / kind).is_dir())]
    carried = {part: bench.survey(root / part) for part in parts}
    files = [f"{HOME}/{part}/{file.path}" for part, tree in carried.items() for file in tree.files]
    server = original.server_of(load_json(root, manifest.relative_to(root).as_posix()), manifest.parent.name, files)
    description = str(entry.get("description") or "")
    draft = original.draft_of(server, bench.terms, description=description, iteration=entry.get("iteration"))
    place = bench.fresh(draft.name)
    for part in parts:
        bench.take(root / part, place / "bundle" / HOME / part)
    launcher = resources("harnessgym_mcp.qualify").joinpath(f"templates/{LAUNCHER}.txt").read_text("utf-8")
    bench.write(place, {LAUNCHER: launcher})
    return bench.finish(place, draft, "harnessgym")


# ---- skills


def _add_skill(root: Path, folder: Path, told: dict[str, dict[str, Any]], bench: Bench, found: list[Candidate]) -> None:
    """An artifact of its own, unless a server of the bundle has its name: then it goes with that."""
    held = _held(folder.name, _entry(root, folder / "SKILL.md", told), bench)
    if held:
        held.kind = "skill"
        found.append(held)
        return
    title, _ = skill_title(folder)
    server = next((c for c in found if c.folder and c.name == artifact_name(title)), None)
    if server is None or server.folder is None:
        candidate = read_skill(folder, bench)
        candidate.origin = "harnessgym"
        found.append(candidate)
        return
    bench.take(folder, server.folder / "skills" / title)
    server.notes.append(f"the skill {title!r} goes with it")
