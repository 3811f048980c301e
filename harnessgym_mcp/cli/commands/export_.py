"""Write an artifact in another format. The same version gives the same bytes, whenever and wherever it is done.

mcpb: an MCP bundle (Claude Desktop and others). plugin: an Agent Plugin as a zip archive. claude: a Claude Code plugin,
as a zip archive or, where FILE does not end in .zip, as a folder. registry: server.json for the MCP registry.
"""

import argparse
from pathlib import Path

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "write an artifact in another format"

EXAMPLES = """
  harnessgym export asm-lens --format mcpb
  harnessgym export asm-lens --format claude -o ./asm-lens-plugin
  harnessgym export asm-lens --format registry --namespace io.github.me --url https://example.org/asm-lens.mcpb
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--format", required=True, choices=["mcpb", "plugin", "claude", "registry"])
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write (NAME-VERSION here)")
    parser.add_argument("--namespace", default="", metavar="NAME", help="registry: yours, in reverse-DNS form")
    parser.add_argument("--url", default="", help="registry: where the .mcpb will lie")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import msgspec

    from harnessgym_mcp.qualify.exporting import export
    from harnessgym_mcp.store.publish import Stores

    home, policy = options_of(arguments).open(create=False)
    done = export(
        Stores.open(home, policy),
        arguments.name,
        arguments.format,
        arguments.output,
        namespace=arguments.namespace,
        url=arguments.url,
    )
    size = f"{done.bytes} bytes, {done.sha256[:19]}" if done.sha256 else "a folder"
    lines = [f"{done.name} {done.version} as {done.format}: {done.path} ({size})"]
    output.result("export", msgspec.to_builtins(done), "\n".join([*lines, *(f"  note: {n}" for n in done.notes)]))
    return 0
