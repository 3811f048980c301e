"""Makes call events; used by the tests and by the processes that they start."""

import sys
from pathlib import Path

from harnessgym_mcp.core.events import CallEvent

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # for programs that the tests start

from ended import ended_as

__all__ = ["ended_as", "event"]

BLANK = CallEvent(
    at=1000.0,
    session="s",
    thread="",
    tool_use="",
    front="f",
    client="test",
    labels="{}",
    artifact="demo",
    digest="sha256:one",
    tool="solve",
    origin="agent",
    via="",
    duration_ms=1.0,
    status="completed",
    argument_keys='["n"]',
    argument_bytes=7,
    arguments=None,
    result_bytes=11,
    content_kinds='{"text": 1}',
    error="",
)


def event(**changes: object) -> CallEvent:
    return BLANK._replace(**changes)
