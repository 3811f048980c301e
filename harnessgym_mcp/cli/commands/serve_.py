"""Serve this workspace's harness to an agent over stdio: the one MCP entry."""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.core.policy import Policy
    from harnessgym_mcp.server.recorder import Observer

__all__ = ["HELP", "configure", "observer_of", "run"]

HELP = "the MCP server: what an agent's config starts"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--session", metavar="ID", help="the agent session (else as the client tells)")
    parser.add_argument("--labels", metavar="K=V,...", help="labels for every recorded call")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.server.serve import serve_stdio

    serve_stdio(options_of(arguments), observer_of)
    return 0


def observer_of(policy: "Policy") -> "Observer | None":
    """Who else is told of each call, as policy says. Raises UsageError when what that takes is not installed."""
    if not policy.telemetry.otel:
        return None
    from harnessgym_mcp.ext.otel import OtelObserver

    return OtelObserver(policy)
