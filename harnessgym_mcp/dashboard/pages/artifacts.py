"""One artifact: its versions, what changed between two of them, and the way back to a former one."""

from typing import Any

from starlette.requests import Request

from harnessgym_mcp.core.lifecycle import Artifact, Version, find
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.dashboard.diffing import FileDiff, definitions, diff, files_of
from harnessgym_mcp.dashboard.pages.health import health_of
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.server.view import look
from harnessgym_mcp.store.callseries import call_totals

__all__ = ["artifact", "confirm", "version_of"]


def artifact(site: Site, request: Request) -> dict[str, Any]:
    """Raises NotFoundError for a name or a version that is not there."""
    stores = site.stores()
    view = look(stores, site.policy)
    found = find(view.registry, request.path_params["name"])
    stats = [t for t in call_totals(site.home) if t.artifact == found.name]
    old, new = _compared(found, request)
    return {
        "health": health_of(site, found, view, stats),
        "artifact": found,
        "versions": list(reversed(found.versions)),
        "here": {v.digest: stores.objects.path(v.digest) is not None for v in found.versions},
        "use": {v.digest: sum(s.calls for s in stats if s.digest == v.digest) for v in found.versions},
        "quarantined": [q for q in view.registry.quarantine if q.name == found.name],
        "old": old,
        "new": new,
        **(_difference(site, old, new) if old and new else {"changes": [], "tools": [], "missing": []}),
        "arrived": bool(found.current) and request.query_params.get("now", "") == found.current[7:19],
    }


def confirm(site: Site, request: Request) -> dict[str, Any]:
    """What going back to a version would change; asked before it is done. Raises NotFoundError."""
    found = find(site.stores().registry.load(), request.path_params["name"])
    wanted = version_of(found, request.query_params.get("to", ""))
    now = found.version
    return {"artifact": found, "wanted": wanted, "now": now, **_difference(site, now, wanted)}


def version_of(found: Artifact, digest: str) -> Version:
    """The version whose digest begins with twelve given digits. Raises NotFoundError."""
    for version in found.versions:
        if len(digest) >= 12 and version.digest.removeprefix("sha256:").startswith(digest):
            return version
    raise NotFoundError(
        f"{found.name} has no version {one_line(digest, 20) or '(none named)'}", hint="choose one listed"
    )


def _compared(found: Artifact, request: Request) -> tuple[Version | None, Version | None]:
    """The two versions that the address names; by default the current one and the one before it."""
    names = request.query_params
    if "from" in names or "to" in names:
        return version_of(found, names.get("from", "")), version_of(found, names.get("to", ""))
    if len(found.versions) < 2:
        return None, None
    at = next(i for i, v in enumerate(found.versions) if v.digest == found.current)
    return (found.versions[at - 1], found.versions[at]) if at else (found.versions[0], found.versions[1])


def _difference(site: Site, old: Version, new: Version) -> dict[str, Any]:
    objects, policy = site.stores().objects, site.policy.dashboard
    trees = [objects.path(v.digest) for v in (old, new)]
    missing = [v for v, tree in zip((old, new), trees, strict=True) if tree is None]
    changes: list[FileDiff] = []
    if not missing:
        before, after = (files_of(t, policy.diff_bytes) for t in trees if t is not None)
        changes = diff(before, after, policy)
    return {"changes": changes, "tools": diff(definitions(old), definitions(new), policy), "missing": missing}
