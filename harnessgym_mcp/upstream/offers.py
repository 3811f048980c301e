"""What a server offers beside its tools, as it was recorded at qualification or as it has listed since."""

import contextlib
from typing import Any

from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.upstream.peer import Peer

__all__ = ["RELISTED", "Offers"]

_CHANGES = {
    "notifications/prompts/list_changed": (("prompts/list", "prompts"),),
    "notifications/resources/list_changed": (
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ),
}

RELISTED = ("notifications/tools/list_changed", *_CHANGES)
"""The notifications after which a server is asked anew."""


class Offers:
    """One server's prompts, resources and resource templates, and the log level that was asked of it."""

    def __init__(self, version: Version) -> None:
        self.level = ""
        self._items = {
            "prompts": version.prompts,
            "resources": version.resources,
            "resourceTemplates": version.templates,
        }

    @property
    def any(self) -> bool:
        """Does it offer anything at all beside tools?"""
        return any(self._items.values())

    def items(self, key: str) -> list[dict[str, Any]]:
        return self._items.get(key, [])

    @staticmethod
    def changed_by(method: str) -> str:
        """ "prompts" or "resources" for the notification that says that they changed, else ""."""
        return method.split("/")[1] if method in _CHANGES else ""

    async def relist(self, peer: Peer, method: str, timeout: float) -> None:
        """Ask anew for what a notification says has changed; what cannot be listed stays as it was."""
        for list_method, key in _CHANGES[method]:
            with contextlib.suppress(HarnessGymError, TimeoutError):
                self._items[key] = await peer.list_all(list_method, key, timeout)

    async def apply_level(self, peer: Peer, timeout: float) -> None:
        """Tell a server that logs which level is wished."""
        if self.level and "logging" in peer.server_capabilities:
            with contextlib.suppress(HarnessGymError, TimeoutError):
                await peer.request("logging/setLevel", {"level": self.level}, timeout=timeout)
