"""What a server is asked to tell of without being called: changes of its lists and of single resources.

In the revision without a handshake that is one open request, `subscriptions/listen`; before it, list changes come by
themselves and each resource has its `resources/subscribe`. What is followed outlives the process: `apply` tells a new
one. Answers interest nobody, and an open listen is no call under way.
"""

from collections.abc import Set

from msgspec import Raw

from harnessgym_mcp.core.frames import CANCELLED, Answer, encode
from harnessgym_mcp.core.wire import CAPABILITIES_KEY, MODERN, VERSION_KEY
from harnessgym_mcp.errors import UpstreamError
from harnessgym_mcp.upstream.peer import Peer

__all__ = ["Follows"]

_KINDS = ("tools", "prompts", "resources")


class _Nobody:
    """A waiter that does not mind."""

    def answered(self, answer: Answer) -> None: ...
    def failed(self, error: UpstreamError) -> None: ...


class Follows:
    """The resources of one server that clients follow, by the server's own URIs."""

    def __init__(self) -> None:
        self.wanted: Set[str] = frozenset()
        self._told: Set[str] = frozenset()
        self._listen = 0  # the open listen's id upstream

    def begin(self, peer: Peer) -> None:
        """A new process knows nothing yet."""
        self._told, self._listen = frozenset(), 0
        self.apply(peer)

    def apply(self, peer: Peer) -> None:
        if peer.era == "modern":
            self._listen_anew(peer)
        else:
            self._each(peer, "resources/subscribe", self.wanted - self._told)
            self._each(peer, "resources/unsubscribe", self._told - self.wanted)
        self._told = frozenset(self.wanted)

    def _each(self, peer: Peer, method: str, uris: Set[str]) -> None:
        for uri in sorted(uris):
            peer.ask(_Nobody(), method, {"uri": Raw(encode(uri))})

    def _listen_anew(self, peer: Peer) -> None:
        if self._listen and self.wanted == self._told:
            return
        offered = [k for k in _KINDS if _tells(peer.server_capabilities.get(k))]
        before, self._listen = self._listen, 0
        if offered or self.wanted:
            wishes: dict[str, object] = {f"{kind}ListChanged": True for kind in offered}
            wishes |= {"resourceSubscriptions": sorted(self.wanted)} if self.wanted else {}
            meta = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}}
            params = {"notifications": Raw(encode(wishes)), "_meta": Raw(encode(meta))}
            self._listen = peer.ask(_Nobody(), "subscriptions/listen", params)
        if before in peer.waiting:
            del peer.waiting[before]
            peer.notify(CANCELLED, {"requestId": Raw(b"%d" % before)})


def _tells(capability: object) -> bool:
    return isinstance(capability, dict) and capability.get("listChanged") is True
