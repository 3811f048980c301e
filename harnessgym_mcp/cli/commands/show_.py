"""Show one artifact: what it is for, its tools, versions, verdict and what was predicted of it."""

import argparse
from typing import Any

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

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

    from harnessgym_mcp.core.lifecycle import find
    from harnessgym_mcp.store.registry import RegistryStore
    from harnessgym_mcp.store.verdicts import VerdictStore

    home, _ = options_of(arguments).open(create=False)
    registry = RegistryStore(home).load()
    held = [q for q in registry.quarantine if q.name == arguments.name]
    if held and arguments.name not in registry.artifacts:
        body: dict[str, Any] = {"name": arguments.name, "status": "quarantined"}
        body["quarantine"] = [
            msgspec.to_builtins(q) | {"evidence": str(home.quarantined(q.name, q.digest))} for q in held
        ]
        lines = [f"{q.digest[7:19]}  {q.reason}\n  evidence: {home.quarantined(q.name, q.digest)}" for q in held]
        output.result("show", body, f"{arguments.name} (quarantined)\n" + "\n".join(lines))
        return 0
    artifact = find(registry, arguments.name)
    verdict = VerdictStore(home.state).load(artifact.current)
    body = msgspec.to_builtins(artifact)
    body["verdict"] = msgspec.to_builtins(verdict) if verdict else None
    output.result("show", body, *_parts(body, output))
    return 0


def _parts(body: dict[str, Any], output: Output) -> list[str]:
    current = next(v for v in body["versions"] if v["digest"] == body["current"])
    verdict = body["verdict"]
    lines = [
        f"{body['name']} {current.get('version', '0.1.0')}  {body.get('status', 'active')}",
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
        "\n".join(lines),
        output.table(("tool", "description"), tools),
        output.table(("", "version", "digest"), versions),
    ]
