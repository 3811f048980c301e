"""What each front process has mounted just now, told to others by a small file: for `top`, `doctor` and the dashboard.

    <home>/fronts/<pid>.json      one for each `harnessgym serve`, replaced when something changes, removed at its end

It is a convenience: a file that cannot be written costs nothing but the view, and one whose process is dead is ignored.
"""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.proc.processes import start_time
from harnessgym_mcp.proc.tags import family_of, new_tag, parse_tag, pid_namespace
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.upstream.mount import Mount

__all__ = ["Front", "Mounted", "Presence", "fronts"]


class Mounted(msgspec.Struct, frozen=True, kw_only=True):
    """One mount as `Mount.status` tells it."""

    name: str
    version: str
    digest: str
    state: str
    pid: int | None = None  # of the server's process, or of its keeper
    active: int = 0  # calls under way or waiting
    restarts: int = 0
    last_error: str = ""


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """One front process: `sessions` are `client version` of whoever is connected; `since` in seconds since 1970."""

    tag: str
    pid: int
    since: float
    sessions: list[str] = []
    mounts: list[Mounted] = []

    @property
    def alive(self) -> bool:
        """Does its process still run? Of another container's we cannot know: then it does not count."""
        tag = parse_tag(self.tag)
        return tag is not None and tag.namespace == pid_namespace() and start_time(tag.front) == tag.started


class Presence:
    """This front's own file."""

    def __init__(self, home: Home) -> None:
        self._path = home.root / "fronts" / f"{os.getpid()}.json"
        self._front = Front(tag=new_tag(family_of(home.state)), pid=os.getpid(), since=time.time())
        self._told: Front | None = None

    def changed(self, clients: Iterable[Client], mounts: Iterable[Mount]) -> bool:
        """Take the present state in; is there something new to tell?"""
        self._front = msgspec.structs.replace(
            self._front,
            sessions=[f"{c.session.client or 'unknown'} {c.session.client_version}".rstrip() for c in clients],
            mounts=[_mounted(mount) for mount in mounts],
        )
        return self._front != self._told

    def tell(self) -> None:
        """Replace the file; blocks for some microseconds. No fsync: nobody needs it after a crash of the machine."""
        self._told = self._front
        with contextlib.suppress(OSError):  # a home that cannot be written: only `top` and `doctor` know less
            self._path.parent.mkdir(exist_ok=True)
            partial = self._path.with_suffix(".new")
            partial.write_bytes(msgspec.json.encode(self._front))
            partial.replace(self._path)

    def leave(self) -> None:
        """At this front's end; what dead fronts left goes as well."""
        with contextlib.suppress(OSError):  # the next front's leaving tries again
            self._path.unlink(missing_ok=True)
            for path in self._path.parent.glob("*.json"):
                front = _load(path)
                if front is not None and _dead(front):
                    path.unlink(missing_ok=True)


def fronts(home: Home) -> list[Front]:
    """The living fronts of a home, the oldest first."""
    found = filter(None, map(_load, (home.root / "fronts").glob("*.json")))
    return sorted((front for front in found if front.alive), key=lambda front: front.since)


def _mounted(mount: Mount) -> Mounted:
    about = {"name": mount.name, "version": mount.version.version, "digest": mount.version.digest}
    return msgspec.convert(about | mount.status(), Mounted)


def _load(path: Path) -> Front | None:
    try:
        return decoded(path.read_bytes(), Front)
    except (OSError, msgspec.MsgspecError):
        return None


def _dead(front: Front) -> bool:
    tag = parse_tag(front.tag)
    return tag is None or tag.orphaned
