"""Serve this workspace's harness to an agent over stdio, the one MCP entry; or over HTTP, to several.

Over HTTP it listens on 127.0.0.1 unless --host says otherwise; where other machines can reach it, a bearer token is
needed: --token-file, or the variable HARNESSGYM_HTTP_TOKEN.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of
from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from harnessgym_mcp.core.policy import Policy
    from harnessgym_mcp.server.recorder import Observer

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the MCP server: what an agent's config starts"

EXAMPLES = """
  harnessgym serve                             this folder's harness, over stdio
  harnessgym serve --workspace ~/project --set isolation.tier=B
  harnessgym serve --transport http            for several clients, at http://127.0.0.1:8790/mcp
  harnessgym connect claude                    lets a client start it: nobody types it by hand
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--session", metavar="ID", help="the agent session (else as the client tells)")
    parser.add_argument("--entry", metavar="NAME", help="what the client's config calls this entry (harnessgym)")
    parser.add_argument("--labels", metavar="K=V,...", help="labels for every recorded call")
    parser.add_argument("--transport", choices=("stdio", "http"), default="stdio", help="stdio, or Streamable HTTP")
    http = parser.add_argument_group("with --transport http")
    http.add_argument("--host", metavar="ADDRESS", help="where to listen (127.0.0.1)")
    http.add_argument("--port", type=int, metavar="N", help="policy's http.port (8790); 0: any that is free")
    http.add_argument("--token-file", type=Path, metavar="FILE", help="the bearer token that clients have to send")
    http.add_argument(
        "--allow-host", action="append", metavar="NAME", help="a name by which clients reach it; repeatable"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.transport == "http":
        return _run_http(arguments, output)
    for option in ("host", "port", "token_file", "allow_host"):
        if getattr(arguments, option) is not None:
            raise UsageError(f"--{option.replace('_', '-')} goes with --transport http")
    from harnessgym_mcp.server.serve import serve_stdio

    serve_stdio(options_of(arguments), _observer_of)
    return 0


def _run_http(arguments: argparse.Namespace, output: Output) -> int:
    import os

    from harnessgym_mcp.server.http_front import Door
    from harnessgym_mcp.server.http_guard import read_token
    from harnessgym_mcp.server.http_serve import HttpPlace, serve_http

    options = options_of(arguments)
    _, policy = options.open(lenient=True)
    host = arguments.host or "127.0.0.1"
    token = read_token(arguments.token_file, os.environ, host, policy.http.token_chars)
    place = HttpPlace(Door(host, token, tuple(arguments.allow_host or ())), arguments.port)

    def ready(address: str) -> None:
        kept = "with the bearer token" if token else "without a token: this machine only"
        output.result("serve", {"address": address, "token": bool(token)}, f"Serving {address}, {kept}.")
        sys.stdout.flush()

    serve_http(options, place, ready, _observer_of)
    return 0


def _observer_of(policy: "Policy") -> "Observer | None":
    """Who else is told of each call, as policy says. Raises UsageError when what that takes is not installed."""
    if not policy.telemetry.otel:
        return None
    from harnessgym_mcp.ext.otel import OtelObserver

    return OtelObserver(policy)
