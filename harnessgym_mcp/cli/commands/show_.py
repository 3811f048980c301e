"""Show one artifact: what it is for, its tools, versions, verdict, what was predicted of it, what was rejected."""

import argparse
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.cli.output import Output, Prose, Table
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.core.lifecycle import Quarantined
    from harnessgym_mcp.store.home import Home

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "one artifact in full"

EXAMPLES = """
  harnessgym show asm-lens
  harnessgym show asm-lens --json | jq .verdict.stages
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import msgspec

    from harnessgym_mcp.core.lifecycle import find, history
    from harnessgym_mcp.store.registry import RegistryStore
    from harnessgym_mcp.store.verdicts import VerdictStore

    home, _ = options_of(arguments).open(create=False)
    registry = RegistryStore(home).load()
    rejected = [_rejection(entry, home) for entry in history(registry, arguments.name)]
    if rejected and arguments.name not in registry.artifacts:
        body: dict[str, Any] = {"name": arguments.name, "status": "quarantined", "quarantine": rejected}
        hint = "to repair it, select its name in harnessgym.reflect, or submit a corrected folder by its name"
        output.result("show", body, f"{arguments.name} (quarantined)\n  {hint}", _history(rejected, output))
        return 0
    artifact = find(registry, arguments.name)
    verdict = VerdictStore(home.state).load(artifact.current)
    body = msgspec.to_builtins(artifact)
    body["verdict"] = msgspec.to_builtins(verdict) if verdict else None
    body["rejections"] = rejected
    output.result("show", body, *_parts(body, output), _history(rejected, output))
    return 0


def _rejection(entry: "Quarantined", home: "Home") -> dict[str, Any]:
    """One entry of the history; `evidence` is "" where it was pruned."""
    import msgspec

    evidence = home.quarantined(entry.name, entry.digest)
    return {
        "at": 0.0,
        "findings": [],
        **msgspec.to_builtins(entry),
        "evidence": str(evidence) if evidence.is_dir() else "",
    }


def _history(rejected: list[dict[str, Any]], output: Output) -> Table:
    rows = [
        (_when(r["at"]), r["digest"][7:19], ", ".join(r["findings"]) or r["reason"], r["evidence"] or "pruned")
        for r in rejected
    ]
    return output.table(("rejected", "digest", "findings", "evidence"), rows)


def _when(at: float) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M}" if at else ""


def _parts(body: dict[str, Any], output: Output) -> list[str]:
    current = next(v for v in body["versions"] if v["digest"] == body["current"])
    verdict = body["verdict"]
    lines = [
        f"{body['name']} {current.get('version', '0.1.0')}  {body.get('status', 'active')}"
        + (", pinned" if body.get("pinned") else ""),
        f"  {current.get('description', '')}",
        f"  why: {current.get('why') or 'not stated'}",
        f"  predicted: {current.get('prediction') or 'nothing'}",
        f"  verdict: {verdict['status'] if verdict else 'none from this machine'}"
        + (f" in tier {verdict['isolation']['tier']}" if verdict and verdict["isolation"] else ""),
    ]
    tools = [(f"{body['name']}__{t['name']}", str(t.get("description", ""))) for t in current.get("tools", [])]
    versions = [
        ("*" if v["digest"] == body["current"] else "", v.get("version", "0.1.0"), v["digest"][7:19])
        for v in body["versions"]
    ]
    return [
        Prose("\n".join(lines)),
        output.table(("tool", "description"), tools),
        output.table(("", "version", "digest"), versions),
    ]
