"""The clean rooms themselves: each another place, with another home, zone, language and hash seed."""

import asyncio
import secrets
from pathlib import Path

import msgspec

from harnessgym_mcp.proc.room import Guise
from harnessgym_mcp.proc.workspace import fresh_workspace
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.qualify.place import Place, file_stamps
from harnessgym_mcp.qualify.rig import Rig
from harnessgym_mcp.store.tree import copy_tree

__all__ = ["FIRST", "SECOND", "make_rig", "rig_at"]

FIRST, SECOND = "first", "second"


def _guise(room: str) -> Guise:
    word = secrets.token_hex(3)
    if room.startswith(SECOND):
        return Guise(f"/mnt/room {word}", f"/home/other-{word}", "Pacific/Chatham", "tr_TR.UTF-8", "4711")
    return Guise(f"/srv/{word}", f"/home/tool-{word}", "UTC", "C.UTF-8", "0")


async def make_rig(ctx: Context, room: str, framing: str) -> Rig:
    """A rig in a fresh room of its own: a copy of the artifact, an empty data folder, decoys, a fresh workspace."""
    return rig_at(ctx, await asyncio.to_thread(_place, ctx, room), framing)


def rig_at(ctx: Context, place: Place, framing: str) -> Rig:
    """A rig in a room that is there already."""
    if ctx.sandbox is None:
        raise LookupError("the sandbox is chosen before a room is used")
    launch = msgspec.structs.replace(ctx.launch, wire=msgspec.structs.replace(ctx.wire, framing=framing))
    return Rig(ctx.sandbox, launch, ctx.policy, place, ctx.watchdog, ctx.lookout)


def _place(ctx: Context, room: str) -> Place:
    guise = _guise(room)
    base = ctx.folder / Path(guise.prefix).name
    base.mkdir()
    if ctx.tree is None:
        raise LookupError("the tree is copied before a room is made")
    copy_tree(ctx.root, base / "artifact", ctx.tree)
    for name in ("data", "home"):
        (base / name).mkdir(parents=True)
    workspace = _workspace(ctx, base)
    return Place(
        root=base / "artifact",
        data=base / "data",
        home=base / "home",
        workspace=workspace,
        guise=guise,
        binds=ctx.environment.binds,
        path_first=ctx.environment.path_first,
        tempting=room.startswith(SECOND),
        before=file_stamps(workspace) if workspace else {},
    )


def _workspace(ctx: Context, base: Path) -> Path | None:
    if ctx.launch.permissions.workspace == "none":
        return None
    workspace = base / "workspace"
    source = Path(ctx.request.workspace) if ctx.request.workspace else None
    fresh_workspace(source, workspace, ctx.policy.qualify)
    return workspace
