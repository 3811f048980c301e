"""bench-history: what was measured before, where, and whether it has changed since."""

from typing import Any

import definitions
import judging
from history import Entry, History, picked
from values import rounded
from wire import Call, Tool, serve

MOST_ROWS = 60  # of benchmarks in one answer


def record(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `record`."""
    history = History()
    entry = history.record(given)
    series = [e for e in history.entries if e.benchmark == entry.benchmark]
    against = judging.judge_latest([*series, entry], 10, 2.0)
    against.pop("latest")
    return {**entry.shown(), "environment": entry.place, "against_earlier": against}


def compare(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `compare`."""
    entries = History().of(given["benchmark"])
    a, b = picked(entries, given.get("a", "previous")), picked(entries, given.get("b", "latest"))
    answer = {"benchmark": given["benchmark"], "unit": entries[0].unit}
    answer |= judging.compare(a, b, given.get("negligible_percent", 1.0))
    return answer if answer["same_environment"] else {**answer, "warning": _elsewhere(a, b)}


def _elsewhere(a: list[Entry], b: list[Entry]) -> str:
    one, other = a[-1].environment, b[-1].environment
    differ = [key for key in one.keys() | other.keys() if key not in ("id", "load") and one.get(key) != other.get(key)]
    what = ", ".join(sorted(differ)) or "within one side"
    return f"measured in different environments ({what}): the change may be theirs"


def regressions(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `regressions`."""
    history = History()
    names = [name for name in history.names() if given.get("filter", "") in name]
    window, negligible = given.get("window", 10), given.get("negligible_percent", 2.0)
    rows = [judging.judge_latest(history.of(name), window, negligible) for name in names]
    kinds = {verdict: [row for row in rows if row["verdict"] == verdict] for verdict in ("regression", "improvement")}
    return {
        "regressions": kinds["regression"][:MOST_ROWS],
        "improvements": kinds["improvement"][: MOST_ROWS // 3],
        "usual": sum(row["verdict"] == "usual" for row in rows),
        "too_few": [row["benchmark"] for row in rows if row["verdict"] == "too few"][:MOST_ROWS],
        **_damage(history),
    }


def trend(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `trend`."""
    entries = History().of(given["benchmark"])
    alike = [entry for entry in entries if entry.place == entries[-1].place][-given.get("last", 40) :]
    found = judging.trend([entry.median for entry in alike], alike[0].lower)
    if found.get("step"):
        found["step"]["first_entry_after"] = alike[found["step"].pop("at")].shown()
    return {
        "benchmark": given["benchmark"],
        "unit": alike[0].unit,
        "better": "lower" if alike[0].lower else "higher",
        **found,
        "left_out": f"{len(entries) - len(alike)} older entries, or from other environments",
        "entries": [entry.shown() | ({"note": entry.note[:80]} if entry.note else {}) for entry in alike],
    }


def benchmarks(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `benchmarks`."""
    history = History()
    names = [name for name in history.names() if given.get("filter", "") in name]
    rows = [_row(history.of(name)) for name in names[:MOST_ROWS]]
    return {"benchmarks": rows, "more": names[MOST_ROWS:][:200], "entries": len(history.entries), **_damage(history)}


def _row(entries: list[Entry]) -> dict[str, Any]:
    latest, best = entries[-1], picked(entries, "best")[0]
    return {
        "benchmark": latest.benchmark,
        "unit": latest.unit,
        "better": "lower" if latest.lower else "higher",
        "entries": len(entries),
        "environments": len({entry.place for entry in entries}),
        "latest": {"median": rounded(latest.median), "at": latest.at, "label": latest.label},
        "best": {"median": rounded(best.median), "at": best.at, "label": best.label},
    }


def _damage(history: History) -> dict[str, Any]:
    return {"damaged_lines": history.damaged} if history.damaged else {}


def retract(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `retract`."""
    entry = History().retract(given["entry"], given["why"])
    return {"retracted": entry.shown(), "benchmark": entry.benchmark}


TOOLS = (
    Tool(**definitions.RECORD, run=record),
    Tool(**definitions.COMPARE, run=compare),
    Tool(**definitions.REGRESSIONS, run=regressions),
    Tool(**definitions.TREND, run=trend),
    Tool(**definitions.BENCHMARKS, run=benchmarks),
    Tool(**definitions.RETRACT, run=retract),
)

if __name__ == "__main__":
    serve("bench-history", "1.0.0", TOOLS)
