"""A call on its way: with what its row will tell, and with the client that waits for it."""

from harnessgym_mcp.core.events import Alike
from harnessgym_mcp.server.asking import Shape
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.upstream.call import Call
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Attributed", "Forwarded"]


class Attributed(Call, eq=False, kw_only=True):
    """A call of which it is known who made it, and what it goes to: what its row will tell if it is completed."""

    alike: Alike | None = None  # None: what is no tools/call has no row


class Forwarded(Attributed, eq=False, kw_only=True):
    """A client's call, or another request of it; `raw_id` is its id as the client spelt it."""

    client: Client
    raw_id: bytes
    mount: Mount
    shape: Shape | None = None
