"""A room: where one process will live, from an artifact's start recipe to the paths and bounds of one start.

The same rooms serve qualification and live mounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.core.launch import Launch, granted
from harnessgym_mcp.core.policy import Isolation, Policy

__all__ = ["Bind", "Bounds", "Guise", "Room", "room_for"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one server and all its children may use together, as far as the tier can count them so."""

    memory_mb: int
    processes: int
    file_mb: int
    open_files: int
    cpu_seconds: int
    tmp_mb: int
    data_mb: int

    @property
    def tasks(self) -> int:
        """Processes and threads together, which is what the kernel counts."""
        return self.processes * 2

    @classmethod
    def of(cls, policy: Isolation, memory_mb: int | None = None) -> "Bounds":
        """Policy's bounds; a manifest may ask for less memory, never for more."""
        memory = min(policy.memory_mb, memory_mb or policy.memory_mb)
        rest = (policy.processes, policy.file_mb, policy.open_files, policy.cpu_seconds, policy.tmp_mb, policy.data_mb)
        return cls(memory, *rest)


@dataclass(frozen=True, slots=True)
class Bind:
    """One more thing that is visible inside: `source` outside, `target` inside (tier A; elsewhere at its own path)."""

    source: Path
    target: str
    write: bool = False


@dataclass(frozen=True, slots=True)
class Guise:
    """What must not matter to an honest server and differs from room to room at qualification."""

    prefix: str = "/srv/harness"  # where the artifact appears inside (tier A)
    home: str = "/home/tool"
    timezone: str = "UTC"
    language: str = "C.UTF-8"
    hash_seed: str = "0"


@dataclass(frozen=True, slots=True)
class Room:
    """Where one process will live. All paths are outside paths."""

    root: Path  # the artifact's tree, seen read-only
    data: Path  # its writable folder
    bounds: Bounds
    workspace: Path | None = None  # visible at its own path
    workspace_write: bool = False
    binds: tuple[Bind, ...] = ()  # environments and the like
    env: Mapping[str, str] = field(default_factory=dict)  # on top of the scrubbed environment
    network: bool = False
    guise: Guise = Guise()
    path_first: tuple[str, ...] = ()  # inside folders put in front of PATH


def room_for(
    launch: Launch,
    policy: Policy,
    *,
    root: Path,
    data: Path,
    workspace: Path | None,
    environ: Mapping[str, str],
    guise: Guise = Guise(),
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
