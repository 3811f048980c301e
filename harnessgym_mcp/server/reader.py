"""Prompts for a person (slash commands) and the skills of qualified artifacts: as prompts, as resources, and by the
methods of the skills extension (SEP-2640: skills/list, skills/get, resources/directory/read)."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

from harnessgym_mcp.core.frames import INVALID_PARAMS
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.names import near
from harnessgym_mcp.core.skills import mime_type
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.server import stats_view
from harnessgym_mcp.server.asking import RESOURCE_NOT_FOUND, RpcFault
from harnessgym_mcp.server.skills import Shelf, Skill, SkillFile
from harnessgym_mcp.store.objects import ObjectStore

__all__ = ["SkillsAndPrompts"]

_PROMPTS: dict[str, tuple[str, str]] = {
    "reflect": (
        "Reflect on this session and choose the one missing tool",
        "Look back on this session. Call harnessgym.reflect without `selected` to see the evidence. Then decide which "
        "ONE missing tool would have helped most, call harnessgym.reflect with `selected`, build it in the folder that "
        "you are given, and hand it in with harnessgym.submit_artifact. Repair what the findings name.",
    ),
    "submit": (
        "Submit the draft of the open build slot",
        "Call harnessgym.submit_artifact for the open build slot. If it is rejected, repair exactly what the findings "
        "name and submit again. When it is qualified, call one of its tools once to see that it does what it should.",
    ),
}
_FRESH = {"ttlMs": 0, "cacheScope": "private"}  # skills/list and skills/get carry it in either era
_DIRECTORY = "inode/directory"


class SkillsAndPrompts:
    """Answers prompts/*, resources/* and skills/*."""

    def __init__(self, objects: ObjectStore, active: dict[str, Version]) -> None:
        self._shelf = Shelf(objects, active)
        self._methods: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "prompts/list": self._list_prompts,
            "prompts/get": self._get_prompt,
            "resources/list": self._list_resources,
            "resources/templates/list": self._list_templates,
            "resources/read": self._read,
            "resources/directory/read": self._read_directory,
            "skills/list": self._list_skills,
            "skills/get": self._get_skill,
        }

    async def __call__(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a method, None where the method is not known. Raises RpcFault."""
        answer = self._methods.get(method)
        if answer is None:
            return None
        if params.get("cursor"):
            raise RpcFault(INVALID_PARAMS, "unknown cursor: each list is one page")
        return await answer(params)

    # ---- prompts

    async def _skill_prompts(self) -> dict[str, Skill]:
        """By name; a skill that is called like a prompt of ours or another's goes by its artifact as well."""
        return {s.prompt: s for s in await self._shelf.skills() if s.prompt not in _PROMPTS}

    async def _list_prompts(self, params: dict[str, Any]) -> dict[str, Any]:
        own = [{"name": name, "title": title, "description": title} for name, (title, _) in _PROMPTS.items()]
        skills = (await self._skill_prompts()).items()
        return {"prompts": own + [{"name": n, "title": s.name, "description": s.description} for n, s in skills]}

    async def _get_prompt(self, params: dict[str, Any]) -> dict[str, Any]:
        name = str(params.get("name", ""))
        skills = await self._skill_prompts()
        if name in skills:
            text = await asyncio.to_thread(skills[name].files[0].place.read_text, "utf-8", "replace")
            return _prompt(skills[name].description, text)
        if name not in _PROMPTS:
            known = ", ".join([*_PROMPTS, *skills])
            raise RpcFault(INVALID_PARAMS, f"no prompt is called {one_line(name, 80)}; there are: {known}")
        return _prompt(*_PROMPTS[name])

    # ---- resources

    async def _list_resources(self, params: dict[str, Any]) -> dict[str, Any]:
        skills = await self._shelf.skills()
        return {"resources": [stats_view.RESOURCE, *(_resource(f, skill) for skill in skills for f in skill.files)]}

    async def _list_templates(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"resourceTemplates": []}

    async def _read(self, params: dict[str, Any]) -> dict[str, Any]:
        uri = str(params.get("uri", ""))
        if uri == stats_view.URI:
            return {"contents": [stats_view.contents()]}
        file = await self._shelf.file(uri)
        if file is None:
            raise RpcFault(RESOURCE_NOT_FOUND, await self._unknown("resource", uri), {"uri": one_line(uri, 200)})
        return {"contents": [_contents(uri, file, await asyncio.to_thread(file.place.read_bytes))]}

    async def _read_directory(self, params: dict[str, Any]) -> dict[str, Any]:
        uri = str(params.get("uri", ""))
        found = await self._shelf.directory(uri)
        if found is None:
            raise RpcFault(INVALID_PARAMS, f"{one_line(uri, 200)} is not a directory resource")
        files, folders = found
        below = [{"uri": f, "name": f.rpartition("/")[2], "mimeType": _DIRECTORY} for f in folders]
        return {"resources": sorted([_resource(f) for f in files] + below, key=lambda r: str(r["uri"]))}

    async def _unknown(self, what: str, uri: str) -> str:
        like = near(uri, [f.uri for f in await self._shelf.files()])
        return f"no {what} {one_line(uri, 200)}" + (f"; did you mean {like[0]}?" if like else "")

    # ---- skills

    async def _list_skills(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"resultType": "complete", "skills": [s.entry for s in await self._shelf.skills()], **_FRESH}

    async def _get_skill(self, params: dict[str, Any]) -> dict[str, Any]:
        uri = str(params.get("uri", ""))
        found = next((s for s in await self._shelf.skills() if s.entry["uri"] == uri), None)
        if found is None:
            raise RpcFault(INVALID_PARAMS, await self._unknown("skill is served at", uri), {"uri": one_line(uri, 200)})
        return {"resultType": "complete", "skill": found.entry, **_FRESH}


def _prompt(about: str, text: str) -> dict[str, Any]:
    return {"description": about, "messages": [{"role": "user", "content": {"type": "text", "text": text}}]}


def _resource(file: SkillFile, skill: Skill | None = None) -> dict[str, Any]:
    """As a list tells it: a SKILL.md by the skill's own name and description."""
    told = {"uri": file.uri, "name": file.path.rpartition("/")[2], "mimeType": mime_type(file.path)}
    if skill and file is skill.files[0]:
        return told | {"name": skill.name, "description": skill.description}
    return told


def _contents(uri: str, file: SkillFile, data: bytes) -> dict[str, Any]:
    """The very bytes that the digest is of, as text where they are text."""
    try:
        return {"uri": uri, "mimeType": mime_type(file.path), "text": data.decode()}
    except UnicodeDecodeError:
        blob = base64.b64encode(data).decode()
        return {"uri": uri, "mimeType": mime_type(file.path, text=False), "blob": blob}
