"""From an artifact's start recipe to the room it lives in: the same for qualification and for a live mount."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harnessgym_mcp.core.launch import Launch, granted
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.proc.sandbox import Bind, Bounds, Guise, Prepared, Room, Sandbox

__all__ = ["prepare_launch", "room_for"]


def room_for(
    launch: Launch,
    policy: Policy,
    *,
    root: Path,
    data: Path,
    workspace: Path | None,
    environ: Mapping[str, str],
    guise: Guise = Guise(),  # noqa: B008 - frozen
    binds: tuple[Bind, ...] = (),
    path_first: tuple[str, ...] = (),
) -> Room:
    """What the manifest asks for and policy grants. `environ` is where granted variables are taken from."""
    permissions = granted(launch.permissions, policy.grants)
    return Room(
        root=root,
        data=data,
        bounds=Bounds.of(policy.isolation, launch.limits.memory_mb),
        workspace=workspace if permissions.workspace != "none" else None,
        workspace_write=permissions.workspace == "write",
        binds=binds,
        env={name: environ[name] for name in permissions.env if name in environ},
        network=bool(permissions.network),
        guise=guise,
        path_first=path_first,
    )


def prepare_launch(sandbox: Sandbox, room: Room, launch: Launch) -> Prepared:
    """The recipe's command in the room; its own `env` is set on top of the room's."""
    argv, env, cwd = launch.resolve(sandbox.paths(room))
    return sandbox.prepare(dataclasses.replace(room, env={**env, **room.env}), argv, cwd)
