"""`harnessgym serve` with a part left out, to see what that part costs.

    our_front.py plain|unrecorded|whole serve ...

`plain` runs on asyncio's own event loop, as where uvloop is not to be had; `unrecorded` keeps no record of calls. The
product has no switch for either. `whole` leaves nothing out: to be compared with one that does and is started alike.
"""

import sys

from harnessgym_mcp.cli.main import entry
from harnessgym_mcp.server import serve
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.store.telemetry import TelemetryWriter


class Unrecorded(TelemetryWriter[Attributed]):
    """Keeps no call."""

    def put(self, item: Attributed, heavy: bool = False) -> None: ...


def put_in_place(kind: type, other: type) -> None:
    assert vars(serve)[kind.__name__] is kind
    vars(serve)[kind.__name__] = other


what = sys.argv.pop(1)
if what == "plain":
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # an import of it fails
elif what == "unrecorded":
    put_in_place(TelemetryWriter, Unrecorded)
elif what != "whole":
    sys.exit(f"nothing is called {what}")
entry()
