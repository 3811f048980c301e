"""What a server offers beside tools, recorded while it is judged, so that a list later starts no process."""

import contextlib
from typing import Any

from harnessgym_mcp.errors import UpstreamError
from harnessgym_mcp.upstream.peer import Peer

__all__ = ["LISTS", "offers_of"]

LISTS = (
    ("prompts", "prompts/list", "prompts"),
    ("resources", "resources/list", "resources"),
    ("resources", "resources/templates/list", "resourceTemplates"),
)
"""(capability, method, key of the result)"""


async def offers_of(peer: Peer, timeout: float) -> dict[str, list[dict[str, Any]]]:
    """Key -> items, of the capabilities that the server declares; what it cannot list it does not offer."""
    found: dict[str, list[dict[str, Any]]] = {}
    for capability, method, key in LISTS:
        if capability in peer.server_capabilities:
            with contextlib.suppress(UpstreamError, TimeoutError):
                found[key] = await peer.list_all(method, key, timeout)
    return found
