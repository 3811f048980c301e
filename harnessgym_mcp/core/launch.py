"""How to start one artifact's server: the part of its manifest that a mount needs, as kept in the registry.

Commands and arguments may hold `${PLUGIN_ROOT}`, `${PLUGIN_DATA}` and `${HARNESSGYM_WORKSPACE}`; `Launch.resolve`
replaces them by the paths that are true inside the sandbox.
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

import msgspec

from harnessgym_mcp.core.policy import Grants

__all__ = ["VARIABLES", "Launch", "Permissions", "ServerLimits", "Wire", "granted"]

VARIABLES = ("PLUGIN_ROOT", "PLUGIN_DATA", "HARNESSGYM_WORKSPACE")
_VARIABLE = re.compile(r"\$\{(" + "|".join(VARIABLES) + r")\}")


class Permissions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a manifest asks for; policy decides. `network` lists hosts (today: all or nothing)."""

    network: list[str] = []
    workspace: Literal["none", "read", "write"] = "none"
    env: list[str] = []
    subprocess: bool = True
    devices: list[str] = []


def granted(asked: Permissions, grants: Grants) -> Permissions:
    """What is asked for and allowed both: never more than either."""
    order = ("none", "read", "write")
    workspace = order[min(order.index(asked.workspace), order.index(grants.workspace))]
    return Permissions(
        network=asked.network if grants.network else [],
        workspace=cast(Literal["none", "read", "write"], workspace),
        env=[name for name in asked.env if name in grants.env],
        subprocess=asked.subprocess,
        devices=[],
    )


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a manifest promises about itself; None takes policy's value."""

    startup_ms: int | None = None
    call_ms: int | None = None
    memory_mb: int | None = None
    output_bytes: int | None = None


class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the server speaks, measured at qualification."""

    framing: Literal["ndjson", "headers"] = "ndjson"
    legacy: str = ""  # protocol version negotiated by `initialize`, "" if it does not answer that
    modern: str = ""  # version it serves without a handshake, "" if none


class Launch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One server's start recipe."""

    command: str
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str = "${PLUGIN_ROOT}"
    permissions: Permissions = Permissions()
    limits: ServerLimits = ServerLimits()
    wire: Wire = Wire()
    packages: list[str] = []  # Python requirements, exact text; none: no environment of its own
    python: str = ""  # version wanted, "" for any

    def start_seconds(self, default: float) -> float:
        """How long the server may take to start."""
        return self.limits.startup_ms / 1000 if self.limits.startup_ms else default

    def call_seconds(self, default: float) -> float:
        """How long a call may take."""
        return self.limits.call_ms / 1000 if self.limits.call_ms else default

    def resolve(self, paths: Mapping[str, str]) -> tuple[list[str], dict[str, str], str]:
        """`(argv, env, cwd)` with the variables replaced; a name in `command` such as `./server` is below the root."""

        def put(text: str) -> str:
            return _VARIABLE.sub(lambda m: paths.get(m[1], ""), text)

        command = put(self.command)
        if command.startswith("./"):
            command = paths["PLUGIN_ROOT"] + command[1:]
        cwd = put(self.cwd)
        if cwd.startswith("./") or cwd == ".":
            cwd = paths["PLUGIN_ROOT"] + cwd[1:]
        return [command, *map(put, self.args)], {k: put(v) for k, v in self.env.items()}, cwd
