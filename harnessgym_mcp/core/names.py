"""Names: what an artifact and a tool may be called, and how each client will spell it.

Rules from Agent Plugins 1.0 (artifact names), MCP (tool names) and the measured behaviour of Claude Code and
Codex: Claude shows `mcp__<entry>__<name>` with every character outside `[A-Za-z0-9_-]` as `_`, Codex turns
`-` into `_` as well; of two names that become the same, one is lost. `<entry>` is what the client's config calls us.
"""

import re
from collections.abc import Iterable

from harnessgym_mcp.errors import NameRefused

__all__ = [
    "OWN",
    "SEPARATOR",
    "callable_name",
    "check_artifact_name",
    "check_entry_name",
    "check_tool_name",
    "collisions",
    "join",
    "near",
    "sanitised",
    "split",
    "unprefixed",
]

OWN = "harnessgym"
SEPARATOR = "__"
CALL_PREFIX = f"mcp__{OWN}__"

_ARTIFACT = re.compile(r"(?!.*(?:--|\.\.))[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\Z")
_TOOL = re.compile(r"[A-Za-z0-9_.-]{1,128}\Z")
_ENTRY = re.compile(r"(?!.*[_-]{2})[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\Z")
_PREFIX = re.compile(r"mcp__[A-Za-z0-9_-]+?__")
_WINDOWS = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z")


def check_artifact_name(name: str) -> str:
    """The name itself; raises NameRefused when it is illegal or reserved."""
    if len(name) > 64 or not _ARTIFACT.match(name):
        raise NameRefused(
            f"{name[:80]!a} is not an artifact name",
            hint="use 1-64 of a-z, 0-9, '-' and '.', starting and ending with a letter or digit, no '--' or '..'",
        )
    if sanitised(name) == OWN or sanitised(name).startswith(OWN + "_") or _WINDOWS.match(name):
        raise NameRefused(f"{name!r} is reserved", hint=f"names that begin with {OWN!r} belong to HarnessGym itself")
    return name


def check_entry_name(name: str) -> str:
    """The name of HarnessGym's entry in a client's config, itself; raises NameRefused for one that a client would
    respell, or that is longer than ours: with it the names of tools could grow beyond what clients allow."""
    if len(name) > len(OWN) or not _ENTRY.match(name):
        raise NameRefused(
            f"{name[:60]!a} cannot name the entry",
            hint=f"1-{len(OWN)} of A-Z, a-z, 0-9, '_' and '-', letters or digits first, last and between two of those",
        )
    return name


def check_tool_name(artifact: str, tool: str, most: int) -> str:
    """The tool's own name; raises NameRefused when illegal or too long for some client (`most` characters in all)."""
    if not _TOOL.match(tool):
        raise NameRefused(f"{tool[:80]!a} is not a tool name", hint="use 1-128 of A-Z, a-z, 0-9, '_', '.' and '-'")
    whole = CALL_PREFIX + join(artifact, tool)
    if len(whole) > most:
        raise NameRefused(
            f"{whole} has {len(whole)} characters; some clients and models allow {most}",
            hint=f"shorten the artifact's or the tool's name by {len(whole) - most}",
        )
    return tool


def join(artifact: str, tool: str) -> str:
    return f"{artifact}{SEPARATOR}{tool}"


def split(name: str) -> tuple[str, str] | None:
    """`(artifact, tool)` of a mounted tool's name; None when it is not one. Artifact names hold no underscore."""
    artifact, separator, tool = name.partition(SEPARATOR)
    return (artifact, tool) if separator and artifact and tool else None


def sanitised(name: str) -> str:
    """The narrowest spelling that any client makes of a name."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def collisions(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different names that some client would spell alike (letter case counts as alike)."""
    seen: dict[str, str] = {}
    clash = []
    for name in names:
        first = seen.setdefault(sanitised(name).lower(), name)
        if first != name:
            clash.append((first, name))
    return clash


def callable_name(client: str, name: str, entry: str = OWN) -> str:
    """How the model behind `client` (its `clientInfo.name`), whose config calls us `entry`, has to write a tool's
    name."""
    if "claude" in client.lower():
        return f"mcp__{entry}__" + re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if "codex" in client.lower():
        return f"mcp__{sanitised(entry)}__" + sanitised(name)
    return name


def unprefixed(name: str) -> str:
    """A tool's name without what a client puts before it, whatever the entry is called."""
    return _PREFIX.sub("", name, count=1) if name.startswith("mcp__") else name


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known names that resemble an unknown one, best first."""
    import difflib

    plain = {sanitised(k).lower(): k for k in known}
    wanted = sanitised(unprefixed(name)).lower()
    return [plain[m] for m in difflib.get_close_matches(wanted, plain, n=most, cutoff=0.5)]
