"""`harnessgym` and `harnessgym-mcp`: parse, run, and turn every failure into a message, a hint and an exit code."""

import os
import sys
from collections.abc import Sequence

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import parse
from harnessgym_mcp.errors import HarnessGymError, StateError

__all__ = ["entry", "main", "serve_entry"]


def main(argv: Sequence[str]) -> int:
    """Run one command; the exit code. Never raises for bad input."""
    output = Output(as_json="--json" in argv, quiet=False)
    try:
        arguments = parse(argv)
        output = Output(as_json=arguments.json, quiet=arguments.quiet)
        code: int = arguments.run(arguments, output)
    except HarnessGymError as error:
        output.failure(error)
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:  # no place to write, no descriptors left: the machine's trouble, told like any other
        output.failure(refused := StateError(str(error), hint="`harnessgym doctor` looks at folders, disk and limits"))
        return refused.exit_code
    return code


def entry() -> None:
    """The console script."""
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `harnessgym list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def serve_entry() -> None:
    """`harnessgym-mcp`: `harnessgym serve` under the distribution's name, as registries of servers start it."""
    sys.argv[1:1] = ["serve"]
    entry()
