"""Print a completion script for your shell. It is static: pressing Tab starts no program."""

import argparse

from harnessgym_mcp.cli.output import Output

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "completion for bash, zsh or fish"

EXAMPLES = """
  eval "$(harnessgym completion bash)"         in ~/.bashrc
  eval "$(harnessgym completion zsh)"          in ~/.zshrc, after compinit
  harnessgym completion fish > ~/.config/fish/completions/harnessgym.fish
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])


def run(arguments: argparse.Namespace, output: Output) -> int:
    import sys

    from harnessgym_mcp.cli.completion import script
    from harnessgym_mcp.cli.parser import build

    text = script(build(), arguments.shell)
    if output.as_json:
        output.result("completion", {"shell": arguments.shell, "script": text})
    else:
        sys.stdout.write(text)
    return 0
