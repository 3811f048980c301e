"""The handshake of both eras: `initialize` and `server/discover`, and the text by which a model finds us."""

from typing import Any

from harnessgym_mcp import __version__
from harnessgym_mcp.core import skills
from harnessgym_mcp.core.wire import LATEST_LEGACY, LEGACY, MODERN, SERVER_INFO_KEY
from harnessgym_mcp.server import stats_view

__all__ = ["discover", "initialize", "modern_result"]

_SERVER_INFO = {"name": "harnessgym", "title": "HarnessGym", "version": __version__}

# Codex shows the first 250 characters, Claude Code 4096: the pitch comes first.
_INSTRUCTIONS = (
    "Look here first. HarnessGym keeps the tools that earlier sessions built and qualified for this workspace: "
    "measuring, searching, verifying, sweeping. harnessgym.tools finds them, harnessgym.call runs any of them; "
    "prefer them to ad hoc scripts.\n\n"
    "Mounted tools are listed as <artifact>__<tool>. Every call is recorded, so the tools that help are kept.\n"
    "When you have finished an attempt, or were slowed down by something that a tool would have done, call "
    "harnessgym.reflect: it shows the evidence of this session and asks for the ONE missing tool that matters most. "
    "Choose it with `selected`, build it in the folder that you are given (or send its files inline), and hand it in "
    "with harnessgym.submit_artifact. It is checked in a clean room; findings tell you what to repair. Once qualified "
    "it is callable at once, here and in every later session. harnessgym.stats shows what is mounted and used."
)

_CAPABILITIES = {
    "tools": {"listChanged": True},
    "prompts": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "completions": {},
    "logging": {},
    "extensions": {skills.EXTENSION: {"directoryRead": True}, stats_view.EXTENSION: {}},
    "experimental": {skills.EXTENSION: {"directoryRead": True}},  # where SDKs of the legacy revisions keep it
}


def initialize(requested: object) -> dict[str, Any]:
    """The result of `initialize`: the client's version where it is one of ours, else our latest."""
    version = requested if requested in LEGACY else LATEST_LEGACY
    return {
        "protocolVersion": version,
        "capabilities": _CAPABILITIES,
        "serverInfo": _SERVER_INFO,
        "instructions": _INSTRUCTIONS,
    }


def discover() -> dict[str, Any]:
    """The result of `server/discover`."""
    body = {
        "supportedVersions": [MODERN, *reversed(LEGACY)],
        "capabilities": _CAPABILITIES,
        "instructions": _INSTRUCTIONS,
    }
    return modern_result(body, cacheable=True)


def modern_result(body: dict[str, Any], *, cacheable: bool = False) -> dict[str, Any]:
    """A result as the revision without a handshake wants it. Lists may change at any moment: ttlMs is 0."""
    cache = {"ttlMs": 0, "cacheScope": "private"} if cacheable else {}
    meta = {"_meta": {SERVER_INFO_KEY: _SERVER_INFO} | body.get("_meta", {})}
    return {"resultType": "complete"} | body | cache | meta
