"""`harnessgym.stats` as a picture, for clients that render MCP Apps (SEP-1865); everybody else has the text.

The view is one HTML file without any address in it: it asks its host for the tool's result and shows it.
"""

from functools import cache
from typing import Any, Final

__all__ = ["EXTENSION", "RESOURCE", "TOOL_META", "URI", "contents"]

EXTENSION: Final = "io.modelcontextprotocol/ui"
URI: Final = "ui://harnessgym/stats"
_MIME_TYPE: Final = "text/html;profile=mcp-app"

TOOL_META: Final[dict[str, Any]] = {"ui": {"resourceUri": URI, "visibility": ["model", "app"]}}
"""What the tool's `_meta` says, so that a host knows the view."""

_META: Final = {"ui": {"csp": {}, "prefersBorder": True}}  # no origin at all

RESOURCE: Final[dict[str, Any]] = {
    "uri": URI,
    "name": "harnessgym-stats",
    "title": "HarnessGym: use of the harness",
    "description": "What harnessgym.stats answers, as tables: artifacts, calls, never-used tools, quarantine.",
    "mimeType": _MIME_TYPE,
    "_meta": _META,
}


def contents() -> dict[str, Any]:
    """The one entry of `contents` that resources/read answers with."""
    return {"uri": URI, "mimeType": _MIME_TYPE, "text": _page(), "_meta": _META}


@cache
def _page() -> str:
    from importlib.resources import files  # 8 ms that a start need not pay

    return files(__package__).joinpath("stats_view.html").read_text("utf-8")
