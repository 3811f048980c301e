"""Serve this workspace's harness to an agent over stdio: the one MCP entry."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["HELP", "configure", "run"]

HELP = "the MCP server: what an agent's config starts"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--session", metavar="ID", help="the agent session (else as the client tells)")
    parser.add_argument("--labels", metavar="K=V,...", help="labels for every recorded call")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.server.serve import serve_stdio

    serve_stdio(options_of(arguments))
    return 0
