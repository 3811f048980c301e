"""Show every policy setting with its value and where that comes from (flag > environment > config.toml > default)."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the policy in force and where each setting comes from"

EXAMPLES = """
  harnessgym config show
  harnessgym config show --set timeouts.call=60 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=["show"], default="show")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import os

    from harnessgym_mcp.store.config import load_policy
    from harnessgym_mcp.store.home import Home

    options = options_of(arguments)
    home = Home.open(options.workspace, options.home, options.state, create=False)
    policy, origins = load_policy(home, options.settings, os.environ)
    values = {f"{section}.{key}": value for section, keys in policy.as_dict().items() for key, value in keys.items()}
    rows = [(name, value, origins[name]) for name, value in values.items()]
    settings = [{"setting": n, "value": v, "origin": o} for n, v, o in rows]
    output.result(
        "config", {"settings": settings, "digest": policy.digest}, output.table(("setting", "value", "origin"), rows)
    )
    return 0
