"""`harnessgym.tools`: search, list, or describe."""

import asyncio
from typing import Any

from harnessgym_mcp.core.catalog import Catalog, Tool
from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.names import callable_name, near
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.control.services import Services
from harnessgym_mcp.store.search import ToolIndex

__all__ = ["Finder"]

_LINE = 160


class Finder:
    """Answers `harnessgym.tools`; keeps the search index of the catalog that it last saw."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._index: tuple[str, ToolIndex] | None = None

    async def __call__(self, ask: Ask) -> dict[str, Any]:
        """Raises NotFoundError for an unknown `name`."""
        catalog = self._services.table.catalog
        name, query = str(ask.arguments.get("name") or ""), str(ask.arguments.get("query") or "")
        if name:
            return self._describe(catalog, name, ask.client.session)
        tools = [t for t in catalog.tools if t.artifact]
        if query:
            found = await asyncio.to_thread(self._search, catalog, query)
            by_name = {t.name: t for t in tools}
            tools = [by_name[n] for n in found if n in by_name]
        lines = [{"tool": t.name, "what": one_line(str(t.definition.get("description", "")), _LINE)} for t in tools]
        return {"tools": lines} | self._advice(bool(query), bool(lines))

    def _advice(self, searched: bool, found: bool) -> dict[str, str]:
        if found:
            return {"next": "harnessgym.tools {name} gives a tool's schema; harnessgym.call {tool, arguments} calls it"}
        if searched:
            return {"next": "nothing matches; harnessgym.tools without arguments lists all"}
        return {"next": "no tool has been built yet; harnessgym.reflect begins one"}

    def _describe(self, catalog: Catalog, name: str, session: Session) -> dict[str, Any]:
        known = catalog.resolve(name) or name
        tool = next((t for t in catalog.tools if t.name == known), None)
        if tool is None:
            like = near(name, [t.name for t in catalog.tools])
            hint = f"did you mean {' or '.join(like)}?" if like else "harnessgym.tools without arguments lists all"
            raise NotFoundError(f"no tool is called {one_line(name, 128)}", hint=hint)
        return {
            "tool": dict(tool.definition),
            "your_name_for_it": callable_name(session.client, tool.name, session.entry),
            "or": {"tool": "harnessgym.call", "arguments": {"tool": tool.name, "arguments": "…"}},
        }

    def _search(self, catalog: Catalog, query: str) -> list[str]:
        if self._index is None or self._index[0] != catalog.fingerprint:
            self._index = (catalog.fingerprint, ToolIndex([_document(t) for t in catalog.tools if t.artifact]))
        return self._index[1].search(query)


def _document(tool: Tool) -> dict[str, Any]:
    return dict(tool.definition)
