"""What prompts and resources say, as far as it can be had without arguments: models read it just as definitions."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
from msgspec import Raw

from harnessgym_mcp.core.frames import encode
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding
from harnessgym_mcp.qualify.checks.definitions import poisoned
from harnessgym_mcp.qualify.rig import Rig

__all__ = ["check_offered"]

_MOST = 10  # of each kind


async def check_offered(rig: Rig, offers: dict[str, list[dict[str, Any]]], timeout: float) -> list[Finding]:
    """Orders in a prompt are the server's own words; in a resource they may be quoted, and are told as warnings."""
    found: list[Finding] = []
    async for where, said in _texts(rig, offers, timeout):
        severe = list(poisoned(said, where, "boot"))
        quoted = where.startswith("resource")
        found += [msgspec.structs.replace(f, severity="warning") if quoted else f for f in severe]
    return found


async def _texts(rig: Rig, offers: dict[str, list[dict[str, Any]]], timeout: float) -> AsyncIterator[tuple[str, Any]]:
    for method, where, params in _questions(offers):
        reply = await rig.ask(method, params, timeout)
        if reply.kind == "timeout":
            return
        if reply.kind == "result":
            yield where, reply.result.get("messages") or reply.result.get("contents") or []


def _questions(offers: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str, dict[str, Raw]]]:
    for prompt in offers.get("prompts", [])[:_MOST]:
        arguments = prompt.get("arguments")
        if not any(a.get("required") for a in arguments or () if isinstance(a, dict)):
            where = f"prompt {one_line(str(prompt.get('name')), 80)}"
            yield "prompts/get", where, {"name": Raw(encode(prompt.get("name")))}
    for resource in offers.get("resources", [])[:_MOST]:
        where = f"resource {one_line(str(resource.get('uri')), 80)}"
        yield "resources/read", where, {"uri": Raw(encode(resource.get("uri")))}
