"""`harnessgym.stats`: what is mounted, what was really called, what is hidden and why."""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from harnessgym_mcp.core.exposure import tokens, tokens_by_artifact
from harnessgym_mcp.core.iteration import open_of
from harnessgym_mcp.core.lifecycle import Artifact, Quarantined, Registry, hidden
from harnessgym_mcp.core.names import join, near
from harnessgym_mcp.core.regressions import regressions
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, NotFoundError, UsageError
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.qualify.checks.definitions import near_duplicates
from harnessgym_mcp.qualify.request import Known
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.control.services import Services, calls_on_record, labels_of
from harnessgym_mcp.store.callstats import ToolStats
from harnessgym_mcp.store.idleness import idle_sessions

__all__ = ["stats"]

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _parse_since(value: object, now: float) -> float | None:
    """Seconds since 1970 from an ISO time, a number, or an age such as `2h`; raises UsageError."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        if age := _AGE.match(value.strip()):
            return now - float(age[1]) * _SECONDS[age[2]]
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            pass
    raise UsageError(
        f"`since` is not a time: {one_line(str(value), 60)}", hint="for example 2h, 3d or 2026-01-31T12:00"
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """Which calls and artifacts are asked for; None is all."""

    scope: str
    artifact: str | None
    session: str | None
    run: str | None
    since: float | None  # seconds since 1970


def _question(services: Services, ask: Ask) -> _Question:
    arguments = ask.arguments
    since = _parse_since(arguments.get("since"), time.time())
    only = str(arguments.get("artifact") or "") or None
    scope = str(arguments.get("scope") or "session")
    if scope not in ("session", "run", "all"):
        raise UsageError(f"`scope` is session, run or all, not {one_line(scope, 40)}", hint="leave it out for session")
    if only:
        _check_known(services.harness.registry, only)
    run = (labels_of(ask.client.session).get("run") or None) if scope == "run" else None
    session = None if run or scope == "all" else ask.identity.session  # a session outside any run is its own run
    return _Question(scope, only, session, run, since)


async def stats(services: Services, ask: Ask) -> dict[str, Any]:
    """The answer's body. Raises UsageError, NotFoundError."""
    question = _question(services, ask)
    registry = services.harness.registry
    only = question.artifact
    calls = await asyncio.to_thread(
        calls_on_record,
        services,
        session=question.session,
        run=question.run,
        since=question.since,
        artifact=only,
    )
    isolation = await asyncio.to_thread(_isolation, services)
    artifacts = [a for a in registry.artifacts.values() if not only or a.name == only]
    idle = await asyncio.to_thread(idle_sessions, services.home, artifacts)
    notes: list[str] = []
    slot = await asyncio.to_thread(_slot, services, ask.identity.session, notes)
    return {
        "scope": question.scope,
        "artifacts": [_artifact(services, a) | _idleness(services, idle.get(a.name)) for a in artifacts],
        "calls": [msgspec.to_builtins(c) for c in calls],
        "never_used": _never_used(artifacts, calls),
        "quarantined": [_quarantined(q) for q in hidden(registry) if not only or q.name == only],
        "context": _context(services),
        "regressions": _regressions(services, artifacts, calls),
        "near_duplicates": _alike(services),
        "repaired_rejections": len(registry.quarantine) - len(hidden(registry)),
        "requalifying": dict(services.harness.pending),
        "problems": dict(services.harness.problems),
        "open_slot": slot,
        "dropped_events": services.telemetry.dropped,
        "telemetry_error": services.telemetry.error,
        "notes": [*services.harness.notes, *services.telemetry.notes, *notes],
        "isolation": isolation,
        "session": ask.identity.session,
        "policy_digest": services.policy.digest,
    }


def _check_known(registry: Registry, name: str) -> None:
    """Of an unknown one there would be nothing to show, which looks like one that is never used."""
    known = sorted({*registry.artifacts, *(q.name for q in registry.quarantine)})
    if name not in known:
        like = near(name, known)
        hint = f"did you mean {' or '.join(like)}?" if like else "harnessgym.stats without `artifact` shows all"
        raise NotFoundError(f"no artifact is called {one_line(name, 80)!r}", hint=hint)


def _artifact(services: Services, artifact: Artifact) -> dict[str, Any]:
    mount = services.table.mounts.get(artifact.name)
    version = artifact.version if artifact.versions else None
    state = "archived" if artifact.status == "archived" else "mounted" if mount else "not mounted"
    if mount and mount.state in ("drifted", "broken"):
        state = mount.state
    return {
        "name": artifact.name,
        "kind": artifact.kind,
        "status": state,
        "version": version.version if version else "",
        "digest": artifact.current,
        "versions": len(artifact.versions),
        "tools": [t["name"] for t in version.tools] if version else [],
        "tier": version.tier if version else "",
        "prediction": version.prediction if version else {},
        "server": mount.status() if mount else None,
    }


def _never_used(artifacts: list[Artifact], calls: list[ToolStats]) -> list[str]:
    used = {(c.artifact, c.tool) for c in calls if c.calls}
    tools = [(a.name, t["name"]) for a in artifacts if a.versions for t in a.version.tools]
    return [join(*tool) for tool in tools if tool not in used]


def _quarantined(entry: Quarantined) -> dict[str, Any]:
    return {key: getattr(entry, key) for key in ("name", "digest", "reason", "findings", "at")}


def _idleness(services: Services, sessions: int | None) -> dict[str, Any]:
    """How many sessions that used the harness did without it; None for skills, which are never called."""
    stale = sessions is not None and sessions >= services.policy.lifecycle.stale_sessions
    return {"idle_sessions": sessions, "stale": stale}


def _context(services: Services) -> dict[str, Any]:
    """What the list costs a model, estimated in tokens, by artifact; who is only to be found."""
    catalog = services.table.catalog
    return {
        "expose": services.policy.context.expose,
        "budget_tokens": services.policy.context.budget_tokens,
        "listed_tokens": sum(tokens(t) for t in catalog.listed),
        "by_artifact": tokens_by_artifact(catalog.tools),
        "found_only": sorted(catalog.hidden),
    }


def _regressions(services: Services, artifacts: list[Artifact], calls: list[ToolStats]) -> list[str]:
    """Tools whose current version does worse than the one before, by the calls in scope."""
    versions = {}
    for artifact in artifacts:
        digests = [v.digest for v in artifact.versions]
        at = digests.index(artifact.current) if artifact.current in digests else 0
        if at:
            versions[artifact.name] = (artifact.current, digests[at - 1])
    return regressions(calls, versions, services.policy.lifecycle)


def _alike(services: Services) -> list[str]:
    """Mounted tools that resemble another artifact's so much that one of them may be enough."""
    mounts = services.table.mounts
    known = {name: Known(name=name, tools=m.version.tools) for name, m in mounts.items()}
    return [
        f"{name}: {f.where} {f.what}"
        for name, mount in mounts.items()
        for f in near_duplicates(mount.version.tools, [k for other, k in known.items() if other != name])
    ]


def _isolation(services: Services) -> dict[str, Any]:
    try:
        report = choose_sandbox(services.policy.isolation, services.home.state).report
    except HarnessGymError as error:
        return {"tier": None, "error": error.message, "hint": error.hint}
    return {"tier": report.tier, "mechanism": report.mechanism, "missing": report.missing}


def _slot(services: Services, session: str, notes: list[str]) -> dict[str, Any] | None:
    try:
        held = open_of(services.iterations.read(), session)
    except HarnessGymError as error:
        notes.append(f"whether a build slot is open cannot be told: {error.message}")
        return None
    if held is None:
        return None
    left = max(services.policy.qualify.repairs + 1 - held.rejections, 0)
    return {
        "name": held.name,
        "iteration": held.id,
        "draft": held.draft,
        "rejections": held.rejections,
        "submissions_left": left,
    }
