"""One downstream connection: what the client said of itself, and what it is still waiting for."""

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from harnessgym_mcp.core.catalog import Route
from harnessgym_mcp.core.events import Alike, Session
from harnessgym_mcp.core.frames import encode, notification, object_of
from harnessgym_mcp.core.framing import Part
from harnessgym_mcp.core.records import text_of
from harnessgym_mcp.core.wire import SUBSCRIPTION_KEY

if TYPE_CHECKING:
    from harnessgym_mcp.server.forwarded import Forwarded

__all__ = ["Client", "Identity", "Send", "identity_of_environment"]

_ALIKES = 1000  # routes of catalogs that are no more are among them


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Who is calling, as one request tells it: the session that slots belong to, a thread, a turn or tool use."""

    session: str
    thread: str = ""
    tool_use: str = ""


def identity_of_environment(environ: Mapping[str, str]) -> str:
    """The agent session that started this process: Claude's own id, else the parent process (which outlives a
    restart of the server, so that the session finds its slot again)."""
    stated = environ.get("CLAUDE_CODE_SESSION_ID", "")
    return stated[:80] if stated else f"process-{os.getppid()}-{_started(os.getppid())}"


def _started(pid: int) -> str:
    """A process's start time in clock ticks since boot; "0" where /proc does not tell."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return "0"


class Send(Protocol):
    """Takes one frame without its newline, in one part or several."""

    def __call__(self, *parts: Part) -> None: ...


class Client:
    """A connection."""

    def __init__(self, send: Send, session: Session, *, fixed: bool) -> None:
        self.send = send
        self.session = session
        self.calls: dict[bytes, Forwarded] = {}  # raw id -> forwarded call under way
        self.tasks: dict[bytes, asyncio.Task[None]] = {}  # raw id -> own tool under way
        self.initialized = False
        self.subscriptions: set[str] = set()  # listed URIs of resources/subscribe
        self.capabilities: dict[str, Any] = {}  # as `initialize` stated them
        self.listens: dict[bytes, dict[str, Raw]] = {}  # raw id of subscriptions/listen -> what it asked for
        self._fixed = fixed  # was the session named by --session?
        self._listed = asyncio.Event()
        self._plain = Identity(session.id)  # of a call that states none
        self._alikes: dict[Route, Alike] = {}  # of such calls
        self.lists = 0

    def introduce(self, info: Any) -> None:
        """Remember clientInfo."""
        if isinstance(info, dict):
            name, version = str(info.get("name", ""))[:80], str(info.get("version", ""))[:40]
            self.session = self.session._replace(client=name, client_version=version)
            self._alikes.clear()

    def identity(self, params: dict[str, Raw] | UnsetType) -> Identity:
        """Codex names its session in each call's `_meta`, Claude the tool use; --session overrides both."""
        meta = object_of(params["_meta"]) if params is not UNSET and "_meta" in params else {}
        if not meta:
            return self._plain
        turn = object_of(meta["x-codex-turn-metadata"]) if "x-codex-turn-metadata" in meta else {}

        def say(*keys: str) -> str:
            for key in keys:
                raw = meta.get(key) or turn.get(key)
                if raw is not None and (text := text_of(raw)):
                    return text[:80]
            return ""

        stated = "" if self._fixed else say("sessionId", "session_id", "threadId", "thread_id")
        tool_use = say("claudecode/toolUseId", "turnId", "turn_id")
        thread = say("threadId", "thread_id")
        return Identity(stated or self.session.id, thread, tool_use) if stated or thread or tool_use else self._plain

    def alike(self, route: Route, params: dict[str, Raw], via: str) -> Alike:
        """What the rows of this client's calls on that route have in common: the very same object while it is so."""
        who = self.identity(params) if "_meta" in params else self._plain
        if via or who is not self._plain:
            return self._alike(route, who, via)
        known = self._alikes.get(route)
        if known is None:
            if len(self._alikes) >= _ALIKES:
                self._alikes.clear()
            known = self._alikes[route] = self._alike(route, who)
        return known

    def _alike(self, route: Route, who: Identity, via: str = "") -> Alike:
        return Alike(
            caller=self.session,
            session=who.session,
            thread=who.thread,
            tool_use=who.tool_use,
            artifact=route.artifact,
            digest=route.digest,
            tool=route.tool,
            origin="agent",
            via=via,
        )

    # ---- changes of the list

    def listed(self) -> None:
        """The client has just asked for the tools."""
        self.lists += 1
        self._listed.set()

    @property
    def follows_changes(self) -> bool:
        """Is a re-list to be expected after list_changed? Codex ignores it unless told otherwise."""
        return (
            self.lists > 0 and "codex" not in self.session.client.lower() and (self.initialized or bool(self.listens))
        )

    async def relisted(self, seen: int, most: float) -> bool:
        """Wait until the client has listed more often than `seen` times, at most so many seconds."""
        try:
            async with asyncio.timeout(most):
                while self.lists <= seen:
                    self._listed.clear()
                    await self._listed.wait()
        except TimeoutError:
            return False
        return True

    def announce(self, kind: str) -> None:
        """`notifications/<kind>/list_changed` in whichever era the client listens."""
        method = f"notifications/{kind}/list_changed"
        if self.initialized:
            self.send(notification(method))
        for raw_id, wanted in self.listens.items():
            if bytes(wanted.get(f"{kind}ListChanged", b"")) == b"true":
                self.send(notification(method, {"_meta": Raw(b'{"%b":%b}' % (SUBSCRIPTION_KEY.encode(), raw_id))}))

    def resource_updated(self, uri: str, frame: bytes, params: dict[str, Raw]) -> None:
        """`notifications/resources/updated`, if this client subscribed to the URI in either era."""
        if uri in self.subscriptions:
            self.send(frame)
        wanted = encode(uri)
        for raw_id, filters in self.listens.items():
            if wanted in bytes(filters.get("resourceSubscriptions", b"")):
                meta = Raw(b'{"%b":%b}' % (SUBSCRIPTION_KEY.encode(), raw_id))
                self.send(notification("notifications/resources/updated", {**params, "_meta": meta}))
