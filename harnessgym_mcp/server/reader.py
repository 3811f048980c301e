"""Prompts for a person (slash commands) and the skills of qualified artifacts as resources."""

import asyncio
from typing import Any

from harnessgym_mcp.core.frames import INVALID_PARAMS
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.names import near
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.server.switchboard import RpcFault
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.store.objects import ObjectStore

__all__ = ["SkillsAndPrompts"]

_SCHEME = "skill://"
_NOT_FOUND = -32002

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


class SkillsAndPrompts:
    """Answers prompts/* and resources/*."""

    def __init__(self, table: MountTable, objects: ObjectStore, skills: dict[str, Version]) -> None:
        self._table = table
        self._objects = objects
        self._skills = skills  # kept up to date by the harness: every active artifact, servers and skills alike

    async def __call__(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a method, None where the method is not known. Raises RpcFault."""
        if method == "prompts/list":
            return {"prompts": [{"name": name, "title": p[0], "description": p[0]} for name, p in _PROMPTS.items()]}
        if method == "prompts/get":
            return self._prompt(str(params.get("name", "")))
        if method == "resources/list":
            return {"resources": self._resources()}
        if method == "resources/templates/list":
            return {"resourceTemplates": []}
        if method == "resources/read":
            return await self._read(str(params.get("uri", "")))
        return None

    def _prompt(self, name: str) -> dict[str, Any]:
        if name not in _PROMPTS:
            raise RpcFault(
                INVALID_PARAMS, f"no prompt is called {one_line(name, 80)}; there are: {', '.join(_PROMPTS)}"
            )
        title, text = _PROMPTS[name]
        return {"description": title, "messages": [{"role": "user", "content": {"type": "text", "text": text}}]}

    def _resources(self) -> list[dict[str, Any]]:
        return [
            {
                "uri": f"{_SCHEME}{artifact}/{path}",
                "name": f"{artifact}/{path}",
                "description": one_line(version.description, 300),
                "mimeType": "text/markdown",
            }
            for artifact, version in sorted(self._skills.items())
            for path in version.skills
        ]

    async def _read(self, uri: str) -> dict[str, Any]:
        known = {f"{_SCHEME}{a}/{p}": (v, p) for a, v in self._skills.items() for p in v.skills}
        if uri not in known:
            like = near(uri, known)
            hint = f"; did you mean {like[0]}?" if like else ""
            raise RpcFault(_NOT_FOUND, f"no resource {one_line(uri, 200)}{hint}", {"uri": one_line(uri, 200)})
        version, path = known[uri]
        root = self._objects.path(version.digest)
        if root is None:
            raise RpcFault(_NOT_FOUND, "the artifact's private copy is gone; `harnessgym requalify` makes it anew")
        text = await asyncio.to_thread((root / path).read_text, "utf-8", "replace")
        return {"contents": [{"uri": uri, "mimeType": "text/markdown", "text": text}]}
