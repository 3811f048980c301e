"""The registry as data, and the only ways it may change: pure functions from one registry to the next.

(nothing) --publish--> active --archive--> archived --restore--> active
active --publish a better version--> active (the former version is kept)
active --rollback--> active, at a former version
(any digest) --quarantine--> hidden, evidence kept; the mounted version is untouched
"""

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.records import decoded, readable
from harnessgym_mcp.errors import NotFoundError

__all__ = [
    "SCHEMA",
    "Artifact",
    "Quarantined",
    "Registry",
    "Version",
    "archive",
    "decode_registry",
    "encode_registry",
    "find",
    "forget",
    "hidden",
    "history",
    "lift",
    "publish",
    "quarantine",
    "restore",
    "rollback",
    "set_pinned",
]

SCHEMA = 1


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One qualified version of an artifact, with all that a mount and a listing need."""

    digest: str
    version: str = "0.1.0"
    description: str = ""
    published_at: float = 0.0
    launch: Launch | None = None  # None: skills only
    tools: list[dict[str, Any]] = []
    pins: dict[str, str] = {}
    prompts: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    templates: list[dict[str, Any]] = []
    skills: list[str] = []  # relative paths of SKILL.md files
    tier: str = ""  # isolation tier it was qualified in
    why: str = ""
    prediction: dict[str, Any] = {}
    iteration: str = ""


class Artifact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One name and its versions, newest last; `current` is the digest that is mounted."""

    name: str
    kind: Literal["server", "skill"] = "server"
    status: Literal["active", "archived"] = "active"
    current: str = ""
    versions: list[Version] = []
    pinned: bool = False  # no upgrade replaces the current version while pinned
    extends: str = ""

    @property
    def version(self) -> Version:
        return next(v for v in self.versions if v.digest == self.current)


class Quarantined(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rejected tree: hidden from agents, its evidence kept in `quarantine/<name>/<digest12>/`."""

    name: str
    digest: str
    reason: str
    at: float = 0.0
    findings: list[str] = []  # ids of the errors
    iteration: str = ""


class Registry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All artifacts of one home. `generation` grows by one with each commit."""

    schema: int = SCHEMA
    generation: int = 0
    artifacts: dict[str, Artifact] = {}
    quarantine: list[Quarantined] = []


def decode_registry(data: bytes) -> Registry:
    """Raises msgspec.MsgspecError when the bytes are not a registry."""
    registry = decoded(data, Registry)
    for key, artifact in registry.artifacts.items():
        if key != artifact.name or (
            artifact.versions and artifact.current not in {v.digest for v in artifact.versions}
        ):
            raise msgspec.ValidationError(f"artifact {key!r} does not hang together")
    return registry


def encode_registry(registry: Registry) -> bytes:
    """Indented, ordered by name: fit to be committed and read in a diff."""
    ordered = msgspec.structs.replace(registry, artifacts=dict(sorted(registry.artifacts.items())))
    return readable(ordered)


def find(registry: Registry, name: str) -> Artifact:
    from harnessgym_mcp.core.names import near

    artifact = registry.artifacts.get(name)
    if artifact is None:
        like = near(name, registry.artifacts)
        hint = f"did you mean {', '.join(like)}?" if like else "`harnessgym list` shows what there is"
        raise NotFoundError(f"no artifact is called {name[:80]!r}", hint=hint)
    return artifact


def _with(registry: Registry, artifact: Artifact) -> Registry:
    return msgspec.structs.replace(registry, artifacts={**registry.artifacts, artifact.name: artifact})


def publish(
    registry: Registry,
    name: str,
    version: Version,
    *,
    kind: Literal["server", "skill"] = "server",
    extends: str = "",
) -> Registry:
    """The version becomes current (unless the artifact is pinned), the former ones stay; its quarantine entry, if
    this very digest had one, is lifted."""
    old = registry.artifacts.get(name) or Artifact(name=name)
    versions = [v for v in old.versions if v.digest != version.digest] + [version]
    current = old.current if old.pinned and old.current else version.digest
    new = Artifact(
        name=name,
        kind=kind,
        status="active",
        current=current,
        versions=versions,
        pinned=old.pinned,
        extends=extends or old.extends,
    )
    kept = [q for q in registry.quarantine if (q.name, q.digest) != (name, version.digest)]
    return msgspec.structs.replace(_with(registry, new), quarantine=kept)


def rollback(registry: Registry, name: str, digest: str = "") -> Registry:
    """To the version whose digest starts with `digest` (`sha256:` may be left out), or the one before the current."""
    artifact = find(registry, name)
    if digest:
        wanted = digest.removeprefix("sha256:")
        found = [v for v in artifact.versions if v.digest.removeprefix("sha256:").startswith(wanted)]
    else:
        at = next(i for i, v in enumerate(artifact.versions) if v.digest == artifact.current)
        found = artifact.versions[max(at - 1, 0) : at]
    if len(found) != 1:
        have = ", ".join(v.digest.removeprefix("sha256:")[:12] for v in artifact.versions)
        what = f"no single version {digest[:80]!r}" if digest else "no version before the current one"
        raise NotFoundError(f"{name} has {what}", hint=f"it has: {have}")
    return _with(registry, msgspec.structs.replace(artifact, current=found[0].digest, status="active"))


def archive(registry: Registry, name: str) -> Registry:
    return _with(registry, msgspec.structs.replace(find(registry, name), status="archived"))


def restore(registry: Registry, name: str) -> Registry:
    return _with(registry, msgspec.structs.replace(find(registry, name), status="active"))


def set_pinned(registry: Registry, name: str, pinned: bool) -> Registry:
    return _with(registry, msgspec.structs.replace(find(registry, name), pinned=pinned))


def forget(registry: Registry, name: str, digests: Collection[str]) -> Registry:
    """Without some versions of an artifact, or without the artifact where none is left; an active one keeps the
    current version whatever is asked."""
    artifact = find(registry, name)
    gone = set(digests) - ({artifact.current} if artifact.status == "active" else set())
    left = [v for v in artifact.versions if v.digest not in gone]
    if not left:
        others = {k: a for k, a in registry.artifacts.items() if k != name}
        return msgspec.structs.replace(registry, artifacts=others)
    current = artifact.current if artifact.current not in gone else left[-1].digest
    return _with(registry, msgspec.structs.replace(artifact, versions=left, current=current))


def lift(registry: Registry, name: str, digests: Collection[str]) -> Registry:
    """Without some quarantine entries of a name."""
    kept = [q for q in registry.quarantine if q.name != name or q.digest not in digests]
    return msgspec.structs.replace(registry, quarantine=kept)


def history(registry: Registry, name: str) -> list[Quarantined]:
    """What was rejected under a name, oldest first, repaired since or not."""
    return sorted((q for q in registry.quarantine if q.name == name), key=lambda q: q.at)


def hidden(registry: Registry) -> list[Quarantined]:
    """What is in quarantine and not superseded: entries after which the same name has qualified are history."""

    def superseded(entry: Quarantined) -> bool:
        artifact = registry.artifacts.get(entry.name)
        return artifact is not None and any(v.published_at >= entry.at for v in artifact.versions)

    return [entry for entry in registry.quarantine if not superseded(entry)]


def quarantine(registry: Registry, entry: Quarantined) -> Registry:
    """Add evidence of a rejected tree; a qualified version with another digest stays mounted."""
    kept = [q for q in registry.quarantine if (q.name, q.digest) != (entry.name, entry.digest)]
    return msgspec.structs.replace(registry, quarantine=[*kept, entry])
