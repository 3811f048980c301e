"""What every page works with: one home, its stores and the keys of this run of the dashboard."""

import secrets
from dataclasses import dataclass, field

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores

__all__ = ["Keys", "Site"]


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Keys:
    """`token` opens the door once (in the address) or for a program (as a bearer); a browser then holds `session` as
    a cookie, and each form `form`, so that no other page can press its button."""

    token: str = field(default_factory=_secret)
    session: str = field(default_factory=_secret)
    form: str = field(default_factory=_secret)


@dataclass(frozen=True, slots=True)
class Site:
    """One home as the dashboard shows it."""

    home: Home
    policy: Policy
    keys: Keys

    def stores(self) -> Stores:
        """Fresh stores, so that the notes of one request stay its own."""
        return Stores.open(self.home, self.policy)
