"""How long an artifact has gone without a call, in sessions: from the record of calls."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harnessgym_mcp.core.lifecycle import Artifact
from harnessgym_mcp.store.callstats import ask, select
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = ["idle_sessions"]

_IDLE = """
SELECT COUNT(DISTINCT session) AS sessions FROM calls WHERE origin = 'agent'
AND at > MAX(?, COALESCE((SELECT MAX(at) FROM calls WHERE origin = 'agent' AND artifact = ?), 0))
AND session NOT IN (SELECT session FROM calls WHERE origin = 'agent' AND artifact = ?)
"""


def idle_sessions(home: Home, artifacts: Iterable[Artifact], notes: list[str] | None = None) -> dict[str, int]:
    """Name -> how many agent sessions have used the harness since the server's last call, or since its current version
    was published, without calling it. A session that called nothing at all tells nothing; skills are never called."""
    since = {a.name: a.version.published_at for a in artifacts if a.kind == "server" and a.versions}

    def question(connection: "sqlite3.Connection") -> list[tuple[str, int]]:
        return [(n, int(select(connection, _IDLE, [at, n, n])[0]["sessions"])) for n, at in since.items()]

    return dict.fromkeys(since, 0) | dict(ask(home, question, notes))
