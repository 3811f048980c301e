"""Hold an artifact at its current version: what is submitted under its name qualifies and is kept, but not mounted."""

import argparse

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run", "set_pin"]

HELP = "hold an artifact at its current version"

EXAMPLES = """
  harnessgym pin asm-lens
  harnessgym rollback asm-lens && harnessgym pin asm-lens
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> int:
    return set_pin(arguments, output, pinned=True)


def set_pin(arguments: argparse.Namespace, output: Output, *, pinned: bool) -> int:
    """Shared with `unpin`."""
    from harnessgym_mcp.core.lifecycle import set_pinned
    from harnessgym_mcp.store.registry import RegistryStore

    home, policy = options_of(arguments).open()
    store = RegistryStore(home, timeout=policy.timeouts.lock)
    artifact = store.update(lambda r: set_pinned(r, arguments.name, pinned)).artifacts[arguments.name]
    newest = artifact.versions[-1] if artifact.versions else None
    text = f"{artifact.name} {'is held' if pinned else 'is no longer held'} at {artifact.version.version}"
    body = {"name": artifact.name, "pinned": artifact.pinned, "digest": artifact.current}
    output.result("pin" if pinned else "unpin", body, f"{text} ({artifact.current[7:19]})")
    if not pinned and newest and newest.digest != artifact.current:
        hint = f"harnessgym rollback {artifact.name} {newest.digest[7:19]}"
        output.say(f"  note: a newer version qualified meanwhile: `{hint}` makes it current")
    return 0
