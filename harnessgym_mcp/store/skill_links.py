"""Skills where agents look for them: relative links in `.claude/skills` and `.agents/skills` of the workspace.

A link of ours leads into the home's `generated/`. Such links are made, mended and removed; anything else that lies in
these folders is somebody's own and stays.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from harnessgym_mcp.core.lifecycle import Artifact, Registry
from harnessgym_mcp.core.skills import skill_name
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.tree import UNBOUNDED, survey
from harnessgym_mcp.store.verdicts import VerdictStore

__all__ = ["FOLDERS", "link_skills"]

FOLDERS = (".claude/skills", ".agents/skills")
"""Below the workspace: where Claude Code looks, and where Codex and others do."""


def link_skills(home: Home, registry: Registry) -> list[str]:
    """Link the skills of all active artifacts that qualified on this machine and lie unchanged in `generated/`.

    Links of ours to anything else are removed (so an empty registry removes them all). Tells what was done and what was
    not, one sentence each; nothing is told when nothing had to change. Raises StateError.
    """
    told: list[str] = []
    wanted = _wanted(home, registry, told)
    for name in FOLDERS:
        folder = home.workspace / name
        if folder.parent.is_symlink() or folder.is_symlink():
            told.append(f"{name} is not touched: it is, or lies in, a symbolic link")
            continue
        try:
            told += _tidy(home, folder, wanted)
        except OSError as error:
            raise state_error("link skills in", folder, error) from error
    return told


def _wanted(home: Home, registry: Registry, told: list[str]) -> dict[str, Path]:
    """Skill name -> its folder in `generated/`; of two skills with one name the first artifact's is taken."""
    wanted: dict[str, Path] = {}
    for name, artifact in sorted(registry.artifacts.items()):
        if artifact.status != "active" or not artifact.versions or not artifact.version.skills:
            continue
        if not _qualified(home, artifact):
            told.append(
                f"the skills of {name} are not linked: they have not qualified as they are; see `harnessgym list`"
            )
            continue
        for path in artifact.version.skills:
            skill, folder = skill_name(path), home.generated(name) / os.path.dirname(path)
            if skill in wanted:
                told.append(f"the skill {skill!r} of {name} is not linked: another artifact has one of this name")
            else:
                wanted[skill] = folder
    return wanted


def _qualified(home: Home, artifact: Artifact) -> bool:
    """Has what lies in `generated/` a good verdict from this machine?"""
    verdict = VerdictStore(home.state).load(artifact.current)
    if verdict is None or not verdict.qualified:
        return False
    try:
        tree, problems = survey(home.generated(artifact.name), UNBOUNDED)
    except HarnessGymError:  # gone, or not to be read: nothing that may be linked
        return False
    return not problems and tree.digest == artifact.current


def _tidy(home: Home, folder: Path, wanted: dict[str, Path]) -> Iterator[str]:
    for link in _ours(home, folder):
        if link.name not in wanted:
            link.unlink()
            yield f"removed {_short(home, link)}: no such skill any more"
    if wanted:
        folder.mkdir(parents=True, exist_ok=True)
    for skill, target in sorted(wanted.items()):
        link, text = folder / skill, os.path.relpath(target, folder)
        if not os.path.lexists(link) or (_is_ours(home, link) and os.readlink(link) != text):
            _point(link, text)
            yield f"linked {_short(home, link)}"
        elif not _is_ours(home, link):
            yield f"kept {_short(home, link)} as it is: it is not a link of ours"


def _point(link: Path, text: str) -> None:
    """Make or change a link in one step."""
    new = link.with_name(f".{link.name}.new-{secrets.token_hex(6)}")
    new.symlink_to(text, target_is_directory=True)
    os.replace(new, link)


def _ours(home: Home, folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if _is_ours(home, path)]


def _is_ours(home: Home, path: Path) -> bool:
    """A symbolic link whose words, not whose end, lead into `generated/`: it may dangle."""
    if not path.is_symlink():
        return False
    end = os.path.normpath(path.parent / os.readlink(path))
    return Path(end).is_relative_to(home.root / "generated")


def _short(home: Home, path: Path) -> str:
    return path.relative_to(home.workspace).as_posix()
