"""What mounted servers offer beside tools: prompts, resources, templates, completion, logging, tasks.

`Relay.route` finds the mount that a request is meant for and rewrites names and URIs; `Relay.__call__` answers what is
asked of all of them at once: the lists, merged from what was recorded at qualification, so that a list starts no
process. Own prompts and skills come first.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Raw

from harnessgym_mcp.core.frames import Message, encode, notification, object_of
from harnessgym_mcp.core.namespace import inner_name, map_uris, outer_name, outer_uri, split_uri
from harnessgym_mcp.server.asking import Shape, result_of
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.table import MountTable
from harnessgym_mcp.upstream.call import Call
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Reader", "Relay", "Routed", "text_of", "uris_of"]

_LISTS = {"prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resourceTemplates"}
_BY_NAME = ("prompts/get",)
_BY_URI = ("resources/read", "resources/subscribe", "resources/unsubscribe")
_NOTHING: Mapping[str, Any] = {}
_NO_CACHE = {"ttlMs": 0, "cacheScope": "private"}


class Reader(Protocol):
    """Answers lists and reads of our own. Returns None for a method, and a name or URI, that is not its own."""

    async def __call__(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Routed:
    """A request that belongs to one mount: what it is sent, and how its result is shown."""

    mount: Mount
    params: dict[str, Raw]
    shape: Shape | None = None


class Relay:
    """The mounted servers' offers, under their namespaces."""

    def __init__(self, table: MountTable, own: Reader) -> None:
        self._table = table
        self._own = own
        self._tasks: dict[str, str] = {}  # task id -> mount that runs it

    # ---- requests for one mount

    def route(self, method: str, params: dict[str, Raw], modern: bool) -> Routed | None:
        """The mount that a request is for; None where it is ours, or everybody's."""
        if method in _BY_NAME:
            return self._by_name(params)
        if method in _BY_URI:
            return self._by_uri(params, cached=modern and method == "resources/read")
        if method == "completion/complete":
            return self._by_reference(params)
        if method.startswith("tasks/"):
            name = self._tasks.get(text_of(params.get("taskId")))
            return Routed(self._table.mounts[name], params) if name in self._table.mounts else None
        return None

    def _by_name(self, params: dict[str, Raw]) -> Routed | None:
        artifact, name = self._owner(text_of(params.get("name")), inner_name)
        mount = self._table.mounts.get(artifact)
        if mount is None:
            return None
        return Routed(mount, {**params, "name": Raw(encode(name))}, _shape(mount))

    def _by_uri(self, params: dict[str, Raw], cached: bool) -> Routed | None:
        artifact, uri = self._owner(text_of(params.get("uri")), split_uri)
        mount = self._table.mounts.get(artifact)
        if mount is None:
            return None
        # A server with a handshake says nothing of caching; a client without one has to be told.
        extra = _NO_CACHE if cached and not mount.launch.wire.modern else _NOTHING
        return Routed(mount, {**params, "uri": Raw(encode(uri))}, _shape(mount, extra))

    def _by_reference(self, params: dict[str, Raw]) -> Routed | None:
        """`ref` names a prompt or a resource template."""
        reference = object_of(params.get("ref", Raw(b"{}")))
        key = "name" if "name" in reference else "uri"
        split = inner_name if key == "name" else split_uri
        artifact, own = self._owner(text_of(reference.get(key)), split)
        mount = self._table.mounts.get(artifact)
        if mount is None:
            return None
        ref = {k: json.loads(bytes(v)) for k, v in reference.items()} | {key: own}
        return Routed(mount, {**params, "ref": Raw(encode(ref))})

    def _owner(self, listed: str, split: Callable[[str], tuple[str, str]]) -> tuple[str, str]:
        """`(mount, own name)`; no mount where the name bears no artifact's. The one mount without a prefix owns all."""
        if not self._table.prefixed:
            return next(iter(self._table.mounts), ""), listed
        artifact, own = split(listed)
        offers_more = artifact in self._table.mounts and self._table.mounts[artifact].offers.any
        return (artifact, own) if offers_more else ("", listed)

    # ---- requests for all

    async def __call__(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a list or of one of our own reads; None where nobody knows the method."""
        own = await self._own(method, params) if self._table.prefixed else None
        if method in _LISTS:
            key = _LISTS[method]
            return (own or {}) | {key: [*(own or {}).get(key, []), *self._recorded(key)]}
        if method == "completion/complete" and own is None:
            return {"completion": {"values": [], "total": 0, "hasMore": False}}
        if method == "logging/setLevel" and own is None:
            for mount in self._table.mounts.values():
                mount.set_level(str(params.get("level", "info")))
            return {}
        if method in _BY_URI[1:] and own is None:
            return {}
        return own

    def _recorded(self, key: str) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for name, mount in sorted(self._table.mounts.items()):
            prefix = name if self._table.prefixed else ""
            for item in mount.offers.items(key):
                listed = map_uris(prefix, item)
                out.append(listed | {"name": outer_name(prefix, str(item.get("name", "")))})
        return out

    # ---- changes of single resources

    def is_followed(self, routed: Routed, method: str) -> bool:
        """Is it a subscription to a server of the revision that has no such request?"""
        return method in _BY_URI[1:] and routed.mount.in_era(False) == "modern"

    def follow(self, clients: Iterable[Client]) -> None:
        """Let each mount tell of what its clients listen to, and no more of what nobody does."""
        wanted: dict[Mount, set[str]] = {mount: set() for mount in self._table.mounts.values()}
        for client in clients:
            listened = {u for wishes in client.listens.values() for u in uris_of(wishes.get("resourceSubscriptions"))}
            for uri in listened | client.subscriptions:
                routed = self._by_uri({"uri": Raw(encode(uri))}, cached=False)
                if routed and (uri in listened or routed.mount.in_era(False) == "modern"):
                    wanted[routed.mount].add(text_of(routed.params["uri"]))
        for mount, uris in wanted.items():
            mount.follow(uris)

    # ---- what a result brings along

    def shape_of(self, mount: Mount, call: Call) -> Shape | None:
        """How a tool's result has to be rewritten: not at all, unless it names resources. Tasks are remembered."""
        answer = call.answer
        if answer is None or not answer.is_result:
            return None
        if answer.result_type == "task" or "task" in call.params:
            self.remember_task(mount, result_of(call))
        return _shape(mount) if "resource_link" in answer.kinds or "resource" in answer.kinds else None

    def remember_task(self, mount: Mount, result: dict[str, Any]) -> None:
        """A result that stands for a task: later questions about it go to the same mount."""
        task = result.get("task") if isinstance(result.get("task"), dict) else result
        if isinstance(task, dict) and isinstance(task.get("taskId"), str):
            self._tasks[task["taskId"]] = mount.name

    def updated(self, mount: Mount, message: Message) -> tuple[str, dict[str, Raw]]:
        """`(listed URI, params)` of a server's notifications/resources/updated."""
        params = message.params if isinstance(message.params, dict) else {}
        listed = outer_uri(mount.prefix, text_of(params.get("uri")))
        return listed, {k: v for k, v in params.items() if k != "_meta"} | {"uri": Raw(encode(listed))}

    def notification_of(self, mount: Mount, message: Message) -> bytes | None:
        """A server's other notification as its clients are to see it; None for what they are not told."""
        params = message.params if isinstance(message.params, dict) else {}
        prefix = mount.prefix
        if message.method == "notifications/message":
            own = text_of(params.get("logger")) or "log"
            logger = f"{prefix}/{own}" if prefix else own
            return notification(str(message.method), {**params, "logger": Raw(encode(logger))} if prefix else params)
        if str(message.method).startswith(("notifications/tasks/", "notifications/elicitation/")):
            return notification(str(message.method), message.params)
        return None


def uris_of(raw: Raw | None) -> list[str]:
    """The texts of a raw list."""
    try:
        value = json.loads(bytes(raw)) if raw is not None else []
    except ValueError:
        return []
    return [uri for uri in value if isinstance(uri, str)] if isinstance(value, list) else []


def _shape(mount: Mount, extra: Mapping[str, Any] = _NOTHING) -> Shape | None:
    if not mount.prefix and not extra:
        return None
    return lambda result: {**extra, **map_uris(mount.prefix, result)}


def text_of(raw: Raw | None) -> str:
    """A raw JSON text's value, "" for anything else."""
    try:
        value = json.loads(bytes(raw)) if raw is not None else ""
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""
