"""`python -m harnessgym_mcp.qualify.child`: one Request as JSON on stdin, one Event as JSON a line on stdout.

Nothing else goes to stdout. The child leads its own process group and dies with its parent.
"""

import asyncio
import ctypes
import os
import signal
import sys

import msgspec

from harnessgym_mcp.qualify.gate import judge
from harnessgym_mcp.qualify.request import Event, Request

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Judge what stdin asks for; exit code 0 whenever a judgement was written."""
    parent = os.getppid()
    _die_with_parent()
    if os.getppid() != parent:
        return 1
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else might print does not print between the events

    def tell(event: Event) -> None:
        out.write(msgspec.json.encode(event) + b"\n")
        out.flush()

    judgement = asyncio.run(judge(request, lambda result: tell(Event(stage=result)), lambda id: tell(Event(begins=id))))
    tell(Event(judgement=judgement))
    return 0


def _die_with_parent() -> None:
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return  # another system: the end of the pipe and the parent's deadline remain


if __name__ == "__main__":
    sys.exit(main())
