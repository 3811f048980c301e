"""Import tools and skills of other formats. Each goes through the clean room; what qualifies is published at once.

PATH is a `.harnessgym/` tree of the original HarnessGym (or a workspace with one), another workspace's harness, an
Agent Plugin, a Claude Code plugin or a skill as folder or .zip, an MCP bundle (.mcpb), or a client's configuration
such as `.mcp.json` (`.mcp.json#NAME` for one entry).
"""

import argparse
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of, pairs

if TYPE_CHECKING:
    from harnessgym_mcp.qualify.importing import Imported

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "take in tools of other formats"

EXAMPLES = """
  harnessgym import ../old-project/.harnessgym
  harnessgym import tool.mcpb --config limit=10
  harnessgym import .mcp.json#search --package httpx --access none
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="folder, .zip, .mcpb, or a configuration[#NAME]")
    parser.add_argument("--name", default="", help="what a single artifact is to be called")
    parser.add_argument("--access", choices=["none", "read", "write"], default="", help="to the workspace")
    parser.add_argument("--package", action="append", default=[], metavar="REQ", help="a Python package; repeatable")
    parser.add_argument(
        "--config", action="append", default=[], metavar="KEY=VALUE", help="a bundle's user_config; repeatable"
    )
    parser.add_argument("--quarantined", action="store_true", help="also what was in quarantine where it comes from")
    parser.add_argument("--dry-run", action="store_true", help="judge only: publish and keep nothing")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    import msgspec

    from harnessgym_mcp.core.formats.common import Terms
    from harnessgym_mcp.core.names import check_artifact_name
    from harnessgym_mcp.errors import EXIT_OK, EXIT_REJECTED
    from harnessgym_mcp.qualify.importing import Wishes, import_all
    from harnessgym_mcp.qualify.submission import Submitter
    from harnessgym_mcp.store.publish import Stores

    home, policy = options_of(arguments).open()
    terms = Terms(arguments.access, tuple(arguments.package), pairs(arguments.config, "--config"))
    wishes = Wishes(
        name=check_artifact_name(arguments.name) if arguments.name else "",
        terms=terms,
        quarantined=arguments.quarantined,
        publish=not arguments.dry_run,
    )
    stores = Stores.open(home, policy)
    work = import_all(
        Submitter(stores, policy),
        stores,
        arguments.path,
        wishes,
        on_begin=lambda name: output.say(f"{name} …"),
        on_stage=lambda stage: output.say(f"  {stage.id} failed") if stage.status == "failed" else None,
    )
    done = asyncio.run(work)
    body: dict[str, Any] = {"source": arguments.path, "published": wishes.publish}
    table = output.table(("artifact", "kind", "from", "status", "warnings"), _rows(done))
    body["artifacts"] = [msgspec.to_builtins(a) for a in done]
    output.result("import", body, table, *map(_words, done))
    failed = any(a.status in ("rejected", "refused") for a in done)
    return EXIT_REJECTED if failed else EXIT_OK


def _rows(done: "list[Imported]") -> list[tuple[object, ...]]:
    return [(a.name, a.kind, a.origin, a.status, sum(f.severity == "warning" for f in a.findings)) for a in done]


def _words(artifact: "Imported") -> str:
    """What a person has to know of one artifact: notes, and why it was not taken in."""
    lines = [f"  {note}" for note in artifact.notes]
    for finding in artifact.findings:
        if finding.severity == "error":
            lines.append(f"  {finding.id}" + (f"  at {finding.where}" if finding.where else ""))
            lines += [f"    {text}" for text in (finding.what, f"fix: {finding.fix}" if finding.fix else "") if text]
    lines += [f"  evidence: {artifact.evidence}"] if artifact.evidence else []
    return "\n".join([f"{artifact.name}: {artifact.status}", *lines]) if lines else ""
