"""The event lines that scripted agents write, and that any `command` agent may write on stdout to be counted too.

One JSON object a line; members not told here are ignored:

    {"type": "harnessgym.session", "id": "...", "model": "..."}
    {"type": "harnessgym.call", "server": "harnessgym", "tool": "fft__plan", "error": false}
    {"type": "harnessgym.message", "text": "..."}                          the last one is the turn's message
    {"type": "harnessgym.usage", "input": n, "cached": n, "cache_write": n, "output": n, "reasoning": n, "cost_usd": x}
    {"type": "harnessgym.step"}                                            counted
    {"type": "harnessgym.end", "problem": ""}                              a problem makes the turn a failed one
"""

from collections.abc import Callable
from typing import Any

from harnessgym_mcp.agents.agent import Usage
from harnessgym_mcp.agents.tally import Tally, as_cost, as_number, as_text, read_events

__all__ = ["PREFIX", "own_reader"]

PREFIX = "harnessgym."


def own_reader(tally: Tally, *, strict: bool) -> Callable[[bytes], None]:
    """A reader of event lines. Any other line is the message so far, or, where `strict`, an oddity to note."""
    read = read_events(tally, lambda event: _take(event, tally))

    def take_line(line: bytes) -> None:
        if strict or line.lstrip().startswith(b'{"type"'):
            read(line)
        elif line.strip():
            tally.message = line.decode("utf-8", "replace")

    return take_line


def _take(event: dict[str, Any], tally: Tally) -> None:
    match as_text(event.get("type")).removeprefix(PREFIX):
        case "session":
            tally.session_id = as_text(event.get("id")) or tally.session_id
            tally.model = as_text(event.get("model")) or tally.model
        case "call":
            name = as_text(event.get("server")), as_text(event["tool"])
            tally.called(*name)
            if event.get("error") is True:
                tally.call_failed(*name)
        case "message":
            tally.message = as_text(event["text"])
        case "usage":
            tally.usage = (tally.usage or Usage()) + Usage(*(as_number(event.get(n)) for n in Usage.__slots__))
            tally.cost_usd = as_cost(event.get("cost_usd"), tally.cost_usd)
        case "step":
            tally.steps = (tally.steps or 0) + 1
        case "end":
            tally.finished = True
            if event.get("problem"):
                tally.failed("agent", as_text(event["problem"]))
