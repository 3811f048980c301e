"""How long an artifact has gone without a call, in sessions: from the record of calls."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.core.lifecycle import Artifact
from harnessgym_mcp.store.callstats import ask, select
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = ["idle_sessions"]

_LAST = "SELECT session, artifact, MAX(at) AS at FROM calls WHERE origin = 'agent' GROUP BY session, artifact"


def idle_sessions(home: Home, artifacts: Iterable[Artifact], notes: list[str] | None = None) -> dict[str, int]:
    """Name -> how many agent sessions have used the harness since the server's last call, or since its current version
    was published, without calling it. A session that called nothing at all tells nothing; skills are never called."""
    since = {a.name: a.version.published_at for a in artifacts if a.kind == "server" and a.versions}

    def question(connection: "sqlite3.Connection") -> list[dict[str, Any]]:
        return select(connection, _LAST, [])

    return _count(since, ask(home, question, notes) if since else [])


def _count(since: Mapping[str, float], last_calls: Iterable[dict[str, Any]]) -> dict[str, int]:
    ended: dict[str, float] = {}  # session -> its last call of anything
    callers: dict[str, dict[str, float]] = {name: {} for name in since}  # artifact -> session -> last call
    for call in last_calls:
        session, at = str(call["session"]), float(call["at"] or 0)
        ended[session] = max(at, ended.get(session, at))
        if call["artifact"] in callers:
            callers[call["artifact"]][session] = at
    idle = {}
    for name, sessions in callers.items():
        begin = max([since[name], *sessions.values()])
        idle[name] = sum(at > begin and session not in sessions for session, at in ended.items())
    return idle
