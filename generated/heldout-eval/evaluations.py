"""A ruler that does not change: named evaluations with a quick dev mode and a held-out final mode, kept on record."""

import time
from typing import Any

import robust
import sampling
from ledger import Ledger
from values import ToolError, rounded

MANY_LOOKS = 10  # at the held-out cases, after which they are no longer held out
_FIXED = ("command", "score", "better")  # what may not change once a mode has been measured


class Book:
    """The records of all evaluations; each has evaluation, mode, candidate, values and what is _FIXED."""

    def __init__(self) -> None:
        self._ledger = Ledger("evaluations.jsonl")

    def of(self, evaluation: str, mode: str = "") -> list[dict[str, Any]]:
        records = (r for r in self._ledger.read() if r.get("evaluation") == evaluation and r.get("values"))
        return [r for r in records if not mode or r["mode"] == mode]

    def names(self) -> list[str]:
        return sorted({str(r.get("evaluation")) for r in self._ledger.read()})

    def check(self, wanted: dict[str, Any]) -> None:
        """Refuse another command, score or direction than the one that this evaluation began with."""
        for first in self.of(wanted["evaluation"], wanted["mode"])[:1]:
            for key in _FIXED:
                if first.get(key) != wanted[key]:
                    raise ToolError(
                        f"{key} of {wanted['evaluation']!r} in mode {wanted['mode']} is {first.get(key)!r} and stays "
                        "so: scores by different rulers cannot be compared; use another evaluation name"
                    )

    def add(self, wanted: dict[str, Any], values: list[float]) -> None:
        kept = {key: wanted[key] for key in ("evaluation", "mode", "candidate", *_FIXED)}
        self._ledger.append({**kept, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "values": values})


def latest(records: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Each candidate's last scores, candidates in the order in which they first came."""
    return {r["candidate"]: r["values"] for r in records}


def best(scores: dict[str, list[float]], better: str) -> str | None:
    medians = {name: robust.median(values) for name, values in scores.items()}
    choose = min if better == "lower" else max
    return choose(medians, key=lambda name: medians[name]) if medians else None


def against(rival: list[float], values: list[float], better: str) -> dict[str, Any]:
    """Is a series better than an earlier one? They were not run in turns, so drift between them is not excluded."""
    interval = robust.difference_interval(rival, values)
    before, after = robust.median(rival), robust.median(values)
    shown = {"median_then": rounded(before), "median_now": rounded(after)}
    if interval is None:
        return {**shown, "verdict": "too few runs", "says": f"each side needs {robust.FEW} runs"}
    if interval.low <= 0 <= interval.high:
        return {**shown, "verdict": "noise", "says": "the difference is within the noise of both"}
    improved = (interval.estimate < 0) == (better == "lower")
    says = "confirm with `compare`, which runs both in turns"
    return {**shown, "verdict": "better" if improved else "worse", "says": says}


def looks_note(looks: int) -> str:
    if looks <= MANY_LOOKS:
        return f"looks at the final cases so far: {looks}; each makes them a little less held out"
    return (
        f"{looks} looks at the final cases: they have become dev cases; take fresh ones under another evaluation name"
    )


# ---- the report


def report(book: Book, evaluation: str) -> dict[str, Any]:
    """All candidates in both modes, and whether gains in dev carry over to final."""
    records = book.of(evaluation)
    if not records:
        raise ToolError(f"nothing is recorded of {evaluation!r}; there is: {', '.join(book.names()) or 'nothing yet'}")
    better = records[0]["better"]
    modes = {mode: latest([r for r in records if r["mode"] == mode]) for mode in ("dev", "final")}
    names = list(dict.fromkeys(r["candidate"] for r in records))
    looks = sum(r["mode"] == "final" for r in records)
    return {
        "evaluation": evaluation,
        "better": better,
        "commands": {mode: next((r["command"] for r in records if r["mode"] == mode), None) for mode in modes},
        "candidates": [_row(name, names[0], modes, better) for name in names[-60:]],
        "best": {mode: best(scores, better) for mode, scores in modes.items()},
        "final_looks": looks,
        "notes": [looks_note(looks), *_warnings(modes, better)],
    }


def _row(name: str, baseline: str, modes: dict[str, dict[str, list[float]]], better: str) -> dict[str, Any]:
    row: dict[str, Any] = {"candidate": name}
    for mode, scores in modes.items():
        if name in scores:
            row[mode] = sampling.summary(scores[name])["median"]
        if name != baseline and name in scores and baseline in scores:
            row[f"{mode}_gain_percent"] = _gain(scores[baseline], scores[name], better)
    return row


def _gain(old: list[float], new: list[float], better: str) -> float | None:
    """In percent of the first candidate; positive is better. None where that is 0."""
    before, after = robust.median(old), robust.median(new)
    change = (after - before) * (-1 if better == "lower" else 1)
    return rounded(100 * change / abs(before) + 0.0, 3) if before else None


def _warnings(modes: dict[str, dict[str, list[float]]], better: str) -> list[str]:
    dev, final = modes["dev"], modes["final"]
    both = [name for name in dev if name in final]
    if len(both) < 2:
        return ["fewer than two candidates have both modes: nothing can be said about carrying over yet"]
    found = []
    champion, truth = (best({n: m[n] for n in both}, better) for m in (dev, final))
    if champion is not None and truth is not None and champion != truth:
        worse = against(final[truth], final[champion], better)["verdict"]
        found.append(f"best in dev is {champion!r}, best in final {truth!r} (between them in final: {worse})")
    for name in both[1:]:
        gains = [_gain(mode[both[0]], mode[name], better) or 0.0 for mode in (dev, final)]
        if gains[0] > 1 and gains[1] < gains[0] / 2:
            found.append(f"{name!r} gains {gains[0]}% in dev and {gains[1]}% in final: it is fitted to the dev cases")
    return found
