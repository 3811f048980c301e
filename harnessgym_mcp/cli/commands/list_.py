"""List the artifacts of this workspace's harness."""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.core.lifecycle import Artifact

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the artifacts, their versions and tools"

EXAMPLES = """
  harnessgym list
  harnessgym list --all --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="archived and quarantined ones too")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import msgspec

    from harnessgym_mcp.store.idleness import idle_sessions
    from harnessgym_mcp.store.registry import RegistryStore

    home, policy = options_of(arguments).open(create=False)
    store = RegistryStore(home)
    registry = store.load()
    shown = [a for a in registry.artifacts.values() if arguments.all or a.status == "active"]
    idle = idle_sessions(home, shown)
    stale = {name for name, sessions in idle.items() if sessions >= policy.lifecycle.stale_sessions}
    rows = [_row(a, a.name in stale) for a in shown]
    held = [(q.name, q.digest[7:19], ", ".join(q.findings)) for q in registry.quarantine if arguments.all]
    tables = [
        output.table(("artifact", "kind", "status", "version", "digest", "tools"), rows),
        output.table(("quarantined", "digest", "findings"), held),
    ]
    empty = "nothing yet; an agent begins with harnessgym.reflect, a person with `harnessgym submit PATH`"
    body = {
        "artifacts": [_artifact(a) | {"stale": a.name in stale, "idle_sessions": idle.get(a.name)} for a in shown],
        "quarantine": [msgspec.to_builtins(q) for q in registry.quarantine],
        "generation": registry.generation,
        "notes": store.notes,
    }
    notes = [Prose(f"note: {note}") for note in store.notes]
    output.result("list", body, *(tables if any(tables) else [empty]), *notes)
    return 0


def _row(artifact: "Artifact", stale: bool) -> tuple[object, ...]:
    marks = [artifact.status, *(["stale"] if stale else []), *(["pinned"] if artifact.pinned else [])]
    version = artifact.version
    return (artifact.name, artifact.kind, ", ".join(marks), version.version, artifact.current[7:19], len(version.tools))


def _artifact(artifact: "Artifact") -> dict[str, object]:
    version = artifact.version
    return {
        "name": artifact.name,
        "kind": artifact.kind,
        "status": artifact.status,
        "version": version.version,
        "digest": artifact.current,
        "description": version.description,
        "tools": [f"{artifact.name}__{t['name']}" for t in version.tools],
        "skills": version.skills,
        "versions": [v.digest for v in artifact.versions],
        "pinned": artifact.pinned,
        "tier": version.tier,
    }
