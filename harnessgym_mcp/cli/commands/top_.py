"""Live mounts and call rates of this workspace: who is connected, which servers run, what is being called.

On a terminal it refreshes until interrupted (Ctrl-C). Off a terminal, or with --once or --json, it prints one look.
"""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output, Table, is_terminal, rendered
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.server.live import Snapshot
    from harnessgym_mcp.store.home import Home

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "live mounts and call rates"

EXAMPLES = """
  harnessgym top
  harnessgym top --once
  harnessgym top --json | jq '.tools[] | {tool, per_minute}'
"""

_END = "Control-C ends it"
_EVERY = 1.0  # seconds


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="one look, then end")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import sys

    import msgspec

    from harnessgym_mcp.server.live import look

    home, _ = options_of(arguments).open(create=False)
    if not (arguments.once or output.as_json or output.quiet) and is_terminal(sys.stdout):
        return _follow(home)
    snapshot = look(home)
    output.result("top", msgspec.to_builtins(snapshot), *_parts(snapshot, home))
    return 0


def _follow(home: "Home") -> int:
    import time

    from rich.live import Live

    from harnessgym_mcp.server.live import look

    try:
        with Live(rendered([*_parts(look(home), home), _END]), screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(_EVERY)
                live.update(rendered([*_parts(look(home), home), _END]), refresh=True)
    except KeyboardInterrupt:
        return 0


def _parts(snapshot: "Snapshot", home: "Home") -> list[str]:
    import time

    clock = time.strftime("%H:%M:%S", time.localtime(snapshot.at))
    running = sum(mount.memory > 0 for mount in snapshot.mounts)
    rate = sum(tool.per_minute for tool in snapshot.tools)
    there = f"{_count(len(snapshot.fronts), 'session')}, {_count(running, 'server')}"
    head = f"{clock}  {home.root}  {there}, {rate:.0f} calls a minute"
    mounts = [
        (m.artifact, m.version, m.state, f"{m.client or '-'} ({m.front})", m.active, m.restarts, _mib(m.memory))
        for m in snapshot.mounts
    ]
    tools = [(t.tool, t.calls, t.errors, _ms(t.p50_ms), _ms(t.p95_ms), f"{t.idle:.0f} s") for t in snapshot.tools]
    return [
        head,
        Table(("mount", "version", "state", "session", "under way", "restarts", "MiB"), mounts)
        or "no session is open here; `harnessgym connect` adds this workspace to a client",
        Table(("tool", f"calls in {snapshot.window:.0f} s", "not ok", "p50 ms", "p95 ms", "last"), tools)
        or f"no call in the last {snapshot.window:.0f} seconds",
        *(f"note: {note}" for note in snapshot.notes),
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f}" if size else ""


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
