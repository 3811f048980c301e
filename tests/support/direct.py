"""The data plane over servers that are started as they stand: no sandbox, no guard, no clean room before."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.frames import Answer, Message
from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.qualify.offers import offers_of
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.server.switchboard import Switchboard
from harnessgym_mcp.upstream.call import Call
from harnessgym_mcp.upstream.mount import Mount
from harnessgym_mcp.upstream.peer import Peer
from harnessgym_mcp.upstream.seams import Guard

__all__ = ["DirectSpawner", "Nobody", "Relayed", "no_reader", "recorded"]


class Nobody:
    """A peer's owner that needs to know nothing, a sink of rows that keeps none, a guard that watches nothing."""

    breach = ""

    def notified(self, message: Message) -> None: ...
    def stray(self, line: bytes) -> None: ...
    def late(self, answer: Answer) -> None: ...
    def gone(self, status: str) -> None: ...
    def put(self, item: Attributed, heavy: bool) -> None: ...
    def end(self) -> None: ...


class DirectSpawner:
    """Runs a version's command in `folder`, with nothing in its environment but PATH and what is given."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        self.started: list[str] = []

    async def __call__(self, name: str, version: Version) -> Prepared:
        self.started.append(name)
        assert version.launch is not None
        return Prepared([version.launch.command, *version.launch.args], dict(self._env), str(self._folder))

    def guard(self, pid: int, prepared: Prepared) -> Guard:
        return Nobody()


class Relayed:
    """What a mount has to say goes to the switchboard, as in a front."""

    switchboard: Switchboard

    def progressed(self, call: Call, message: Message) -> None:
        self.switchboard.progressed(call, message)

    def notified(self, mount: Mount, message: Message) -> None:
        self.switchboard.notified(mount, message)

    def requested(self, mount: Mount, message: Message) -> bool:
        return self.switchboard.requested(mount, message)

    def relisted(self, mount: Mount, kind: str) -> None:
        self.switchboard.announce(kind)


async def no_reader(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """There is nothing of our own to be read."""
    return None


async def recorded(
    launch: Launch, digest: str, spawner: DirectSpawner, policy: Policy, era: Literal["legacy", "modern"] = "legacy"
) -> Version:
    """What qualification would have recorded of a server."""
    peer = Peer(Nobody(), policy.limits, launch.wire)
    wait = policy.timeouts.start
    await peer.open(await spawner("probe", Version(digest="", launch=launch)))
    await peer.handshake(era, wait)
    tools = await peer.list_tools(wait)
    offers = await offers_of(peer, wait)
    await peer.close(0.0)
    return Version(
        digest=digest,
        launch=launch,
        tools=tools,
        pins=pins(tools),
        tier="A",
        prompts=offers.get("prompts", []),
        resources=offers.get("resources", []),
        templates=offers.get("resourceTemplates", []),
    )
