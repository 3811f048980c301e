"""A web page on this machine: live calls, use and latency, quarantine, versions, iterations, comparisons.

It listens on loopback only and opens with the key in the printed address. `/metrics` answers monitoring systems that
send the key as a bearer token; `--token-file` keeps the same key from one start to the next.
"""

import argparse
import sys
from pathlib import Path

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the web page: what is mounted, called, hidden, measured"

EXAMPLES = """
  harnessgym dashboard
  harnessgym dashboard --port 8080 --no-open
  harnessgym dashboard --port 8080 --token-file key    the same key at each start, for a monitoring system
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, metavar="N", help="this one (else 8791, or any that is free)")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the key; made, for you alone, if missing")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.dashboard.keys import stored_token
    from harnessgym_mcp.dashboard.serving import bind, serve
    from harnessgym_mcp.dashboard.site import Keys
    from harnessgym_mcp.store.home import DEFAULT_HOME

    options = options_of(arguments)
    home, policy = options.open(create=(options.home or options.workspace / DEFAULT_HOME).is_dir())
    keys = Keys(token=stored_token(arguments.token_file)) if arguments.token_file else Keys()
    listener = bind(arguments.port, policy.dashboard.port)

    def ready(address: str) -> None:
        output.result("dashboard", {"address": address}, f"The dashboard: {address}\nControl-C ends it.")
        sys.stdout.flush()
        if not arguments.no_open:
            _open(address)

    serve(home, policy, keys, listener, ready)
    return 0


def _open(address: str) -> None:
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()  # some browsers block
