"""The skills of mounted artifacts as they lie in the store: verified once, then served by URI."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.names import join
from harnessgym_mcp.core.skills import entry, files_of, skill_name, uri_of
from harnessgym_mcp.store.objects import ObjectStore
from harnessgym_mcp.store.tree import UNBOUNDED, survey

__all__ = ["Shelf", "Skill", "SkillFile"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SkillFile:
    """One file of a skill: `path` within its artifact, and where it lies."""

    uri: str
    path: str
    place: Path


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill: its entry for skills/list, its files, its SKILL.md first, and its name among the prompts."""

    entry: Mapping[str, Any]
    files: tuple[SkillFile, ...]
    prompt: str

    @property
    def root(self) -> str:
        """The URI that those of all its files begin with."""
        return self.files[0].uri.removesuffix("SKILL.md")

    @property
    def name(self) -> str:
        return str(self.entry["frontmatter"]["name"])

    @property
    def description(self) -> str:
        return str(self.entry["frontmatter"]["description"])


class Shelf:
    """All skills that are served; what was read of a version is kept, since its tree never changes."""

    def __init__(self, objects: ObjectStore, active: Mapping[str, Version]) -> None:
        self._objects = objects
        self._active = active  # kept up to date by the harness
        self._known: dict[tuple[str, str], tuple[Skill, ...]] = {}

    async def skills(self) -> list[Skill]:
        """In order of their artifacts' names. A damaged or missing private copy is told in the log and left out."""
        return [skill for artifact in sorted(self._active) for skill in await self._of(artifact)]

    async def directory(self, uri: str) -> tuple[list[SkillFile], list[str]] | None:
        """The files and the subfolders' URIs right below a folder of a skill; None where there is no such folder."""
        root = uri.rstrip("/") + "/"
        skill = next((s for s in await self.skills() if root.startswith(s.root)), None)
        inside = [f for f in skill.files if f.uri.startswith(root)] if skill else []
        if not inside:
            return None
        here = [f for f in inside if "/" not in f.uri.removeprefix(root)]
        folders = {root + f.uri.removeprefix(root).partition("/")[0] for f in inside if f not in here}
        return here, sorted(folders)

    async def files(self) -> list[SkillFile]:
        """Every file of every skill."""
        return [file for skill in await self.skills() for file in skill.files]

    async def file(self, uri: str) -> SkillFile | None:
        """The file behind a URI, however its characters are escaped."""
        wanted = unquote(uri)
        return next((f for f in await self.files() if f.uri == uri or unquote(f.uri) == wanted), None)

    async def _of(self, artifact: str) -> tuple[Skill, ...]:
        version = self._active.get(artifact)
        if version is None or not version.skills:
            return ()
        key = artifact, version.digest
        if key not in self._known:
            self._known[key] = await asyncio.to_thread(self._read, artifact, version)
        return self._known[key]

    def _read(self, artifact: str, version: Version) -> tuple[Skill, ...]:
        root = self._objects.path(version.digest)
        tree, problems = survey(root, UNBOUNDED, strict=True) if root else (None, [])
        if root is None or tree is None or problems or tree.digest != version.digest:
            logger.warning("the skills of %s cannot be served: its private copy is missing or damaged", artifact)
            return ()
        files = {file.path: (file.sha256, file.size) for file in tree.files}
        found = [_skill(artifact, path, root, files) for path in version.skills if path in files]
        return tuple(skill for skill in found if skill)


def _skill(artifact: str, path: str, root: Path, files: Mapping[str, tuple[str, int]]) -> Skill | None:
    from harnessgym_mcp.core.front_matter import FrontMatterError

    try:
        told = entry(artifact, path, (root / path).read_text("utf-8", "replace"), files)
    except FrontMatterError as error:
        logger.warning("%s of %s is left out: %s", path, artifact, error)
        return None
    if not {"name", "description"} <= told["frontmatter"].keys():
        return None
    own = tuple(SkillFile(uri_of(artifact, p), p, root / p) for p in files_of(path, files))
    name = skill_name(path)
    return Skill(told, own, name if name == artifact else join(artifact, name))
