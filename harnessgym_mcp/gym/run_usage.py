"""What a turn has cost, and its calls as telemetry has them, by the labels that its servers were started with."""

from typing import TYPE_CHECKING

from harnessgym_mcp.agents.agent import Turn
from harnessgym_mcp.core.names import join
from harnessgym_mcp.core.outcomes import Usage
from harnessgym_mcp.core.run_state import ToolCalls
from harnessgym_mcp.store.callstats import ask, select
from harnessgym_mcp.store.home import Home

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Labels", "calls_of_run", "calls_of_turn", "usage_of"]

Labels = dict[str, str]

_TURN = """
SELECT artifact, tool, digest, COUNT(*) AS calls, SUM(status = 'completed') AS completed
FROM calls WHERE origin = 'agent' AND {where} GROUP BY artifact, tool, digest ORDER BY MIN(seq)
"""
_LABEL = "CASE WHEN json_valid(labels) THEN json_extract(labels, '$.' || ?) END = ?"


def usage_of(turn: Turn) -> Usage:
    """For the record; None where the agent did not tell."""
    tokens = turn.usage
    return Usage(
        seconds=round(turn.seconds, 3),
        input_tokens=tokens.input if tokens else None,
        output_tokens=tokens.output if tokens else None,
        dollars=turn.cost_usd,
        turns=turn.steps,
    )


def calls_of_turn(home: Home, labels: Labels, notes: list[str]) -> list[ToolCalls]:
    """The agent's calls of mounted tools that bear all of these labels, in the order of first calls."""
    where = " AND ".join([_LABEL] * len(labels))
    values = [word for pair in labels.items() for word in pair]

    def question(connection: "sqlite3.Connection") -> list[ToolCalls]:
        rows = select(connection, _TURN.format(where=where), list(values))
        return [
            ToolCalls(
                tool=join(r["artifact"], r["tool"]), digest=r["digest"], calls=r["calls"], completed=r["completed"]
            )
            for r in rows
        ]

    return ask(home, question, notes)


def calls_of_run(home: Home, run: str, since: float = 0.0) -> int:
    """How many so far, interrupted turns' included. `since` (seconds since the epoch) spares looking at older calls."""

    def question(connection: "sqlite3.Connection") -> list[int]:
        count = f"SELECT COUNT(*) AS calls FROM calls WHERE at >= ? AND origin = 'agent' AND {_LABEL}"
        return [row["calls"] for row in select(connection, count, [since, "run", run])]

    return sum(ask(home, question, None))
