"""How each artifact fares: what the registry and this machine's verdicts say, and how its last calls ended."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from harnessgym_mcp.core.lifecycle import Artifact, Version
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.server.view import View
from harnessgym_mcp.store.callseries import Total
from harnessgym_mcp.store.callstats import recent_calls

__all__ = ["Health", "health_of", "never_used", "total"]

_LATELY = 10  # calls that tell whether a tool works just now
_BROKEN = ("crashed", "timeout", "protocol_error")


@dataclass(frozen=True, slots=True)
class Health:
    """One artifact. `state` is mounted, failing, waiting, problem or archived; `why` says more where it is not well.

    `calls` and `successes` count agents' calls of all its versions; `last_at` is the last one's time.
    """

    name: str
    state: str
    why: str
    artifact: Artifact
    version: Version | None
    calls: int = 0
    successes: int = 0
    last_at: float = 0.0
    unused: list[str] = field(default_factory=list)


def health_of(site: Site, artifact: Artifact, view: View, stats: list[Total]) -> Health:
    own = [s for s in stats if s.artifact == artifact.name]
    state, why = _state(site, artifact, view)
    version = artifact.version if artifact.versions else None
    return Health(
        artifact.name,
        state,
        why,
        artifact,
        version,
        total(own, "calls"),
        total(own, "successes"),
        max((s.last_at for s in own), default=0.0),
        never_used(artifact, own) if state != "archived" else [],
    )


def _state(site: Site, artifact: Artifact, view: View) -> tuple[str, str]:
    name = artifact.name
    if artifact.status == "archived":
        return "archived", f"taken out of use; `harnessgym restore {name}` brings it back"
    if name in view.problems:
        return "problem", view.problems[name]
    if name in view.waiting:
        return (
            "waiting",
            f"{view.waiting[name][1]}; it is qualified when a session starts, or by `harnessgym requalify`",
        )
    lately = [c["status"] for c in recent_calls(site.home, _LATELY, artifact=name, origin="agent")]
    broken = sum(status in _BROKEN for status in lately)
    if broken * 2 > len(lately):
        return "failing", f"{broken} of its last {len(lately)} calls got no proper answer"
    return "mounted", ""


def never_used(artifact: Artifact, stats: Iterable[Total]) -> list[str]:
    """The current version's tools that no agent has called, in any version."""
    used = {(s.artifact, s.tool) for s in stats if s.calls}
    listed = artifact.version.tools if artifact.versions else []
    return [str(t["name"]) for t in listed if (artifact.name, t["name"]) not in used]


def total(stats: Iterable[Total], what: str) -> int:
    return sum(getattr(s, what) for s in stats)
