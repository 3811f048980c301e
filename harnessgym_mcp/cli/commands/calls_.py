"""The recorded calls, newest last; `--follow` waits for more, like tail -f."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.cli.output import Output, is_terminal
from harnessgym_mcp.cli.parser import options_of

if TYPE_CHECKING:
    from harnessgym_mcp.store.home import Home

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "the recorded calls, live with --follow"

EXAMPLES = """
  harnessgym calls                             the newest 20
  harnessgym calls --follow                    a live tail; Ctrl-C ends it
  harnessgym calls -n 1000 --json | jq '.calls[] | select(.status != "completed")'
"""

_POLL = 0.3  # seconds between looks


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")
    parser.add_argument("--limit", "-n", type=int, default=20, metavar="N", help="how many of the past (20)")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.store.callstats import recent_calls

    home, _ = options_of(arguments).open(create=False)
    notes: list[str] = []
    calls = recent_calls(home, max(arguments.limit, 0), notes=notes)
    if arguments.follow:
        return _follow(home, output, calls)
    told = "\n".join([*(_line(c) for c in calls), *(f"note: {note}" for note in notes)])
    output.result("calls", {"calls": calls, "notes": notes}, told or "no call on record")
    return 0


def _follow(home: "Home", output: Output, calls: list[dict[str, Any]]) -> int:
    """Each call on its own line; with --json each as its own object. Ends with the reader, or on Ctrl-C."""
    from harnessgym_mcp.store.callstats import recent_calls

    last: str | None = calls[-1]["id"] if calls else None
    if not calls and not output.as_json and is_terminal(sys.stdout):
        output.say("no call on record yet; waiting (Control-C ends it)")
    try:
        while True:
            for call in calls:
                output.item("call", call, _line(call))
                last = call["id"]
            if _reader_left(_POLL):
                return 0
            calls = recent_calls(home, 1000, after_id=last or "")
    except KeyboardInterrupt:
        return 0


def _reader_left(seconds: float) -> bool:
    """Wait; has whoever reads our output gone meanwhile? A tail without new lines would never notice otherwise."""
    import select

    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors and hang-ups are told unasked
    return bool(poll.poll(seconds * 1000))


def _line(call: dict[str, Any]) -> str:
    import time

    from harnessgym_mcp.core.text import one_line

    clock = time.strftime("%H:%M:%S", time.localtime(call["at"]))
    keys = one_line(str(call["argument_keys"]), 60)
    error = f"  {one_line(call['error'], 80)}" if call["error"] else ""
    name = one_line(f"{call['artifact']}__{call['tool']}", 64)
    return f"{clock}  {call['status']:<14} {call['duration_ms']:8.1f} ms  {name} {keys}{error}"
