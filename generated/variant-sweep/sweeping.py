"""The sweep itself: every variant scored, in rounds, ranked, and the workspace given back as it was."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import journal
import robust
import score
from commands import run
from values import ToolError, rounded
from variants import Variant
from wire import Call

MOST_SHOWN = 12  # scores of one variant


@dataclass(frozen=True)
class Rules:
    """How variants are scored. Times in seconds; `check` has to succeed before, `after` is run once at the end."""

    score: str
    lower: bool
    rounds: int
    timeout: float
    budget: float
    check: str
    after: str


@dataclass
class Entry:
    """A variant with its scores so far; `failure` says why it got no further."""

    variant: Variant
    scores: list[float] = field(default_factory=list)
    failure: str = ""


def sweep(call: Call, build: Callable[[], list[Variant]], rules: Rules) -> dict[str, Any]:
    """Score all variants against the first. Raises ToolError when that cannot be scored."""
    with journal.alone():
        notes = undo()  # first: variants are built from what the files really hold
        entries = [Entry(variant) for variant in build()]
        book = journal.Journal.begin([entry.variant.files for entry in entries])
        try:
            _rounds(call, entries, rules, book)
        finally:
            notes += book.restore()
        if rules.after and (complaint := run(call, rules.after, rules.timeout).complaint()):
            notes.append(f"`after` {complaint}")
    return _answer(entries, rules, notes)


def undo() -> list[str]:
    """Give back what a sweep that was killed has left; raises ToolError while somebody has to decide."""
    left = journal.recover()
    if left.conflicts:
        raise ToolError(
            f"a sweep was killed and {', '.join(left.conflicts)} has been edited since: call `recover` with "
            "decision restore (the original comes back) or keep (the edited file stays)"
        )
    return [f"restored {path} after a sweep that was killed" for path in left.restored]


def _rounds(call: Call, entries: list[Entry], rules: Rules, book: journal.Journal) -> None:
    """In turns, every second round backwards, so that a drifting machine does not favour anyone."""
    end, longest, done = time.monotonic() + rules.budget, 0.0, 0
    for number in range(rules.rounds):
        for entry in entries if number % 2 == 0 else reversed(entries):
            began = time.monotonic()
            if entry.failure or (done and began + longest > end):
                continue
            call.progress(done, rules.rounds * len(entries), entry.variant.name)
            _try(call, entry, rules, book)
            done, longest = done + 1, max(longest, time.monotonic() - began)
            if entry is entries[0] and not entry.scores:
                raise ToolError(f"{entry.variant.name!r}, to which all others are compared, fails: {entry.failure}")


def _try(call: Call, entry: Entry, rules: Rules, book: journal.Journal) -> None:
    """One round of one variant."""
    variant = entry.variant
    env = {"PYTHONDONTWRITEBYTECODE": "1", **variant.env}  # its cache tells files apart by whole seconds
    book.show(variant.files)
    try:
        if rules.check and not entry.scores and (wrong := run(call, rules.check, rules.timeout, env).complaint()):
            raise ToolError(f"the check {wrong}")
        entry.scores.append(score.read(run(call, variant.command, rules.timeout, env), rules.score))
    except ToolError as error:
        entry.failure = str(error)


# ---- the answer


def _answer(entries: list[Entry], rules: Rules, notes: list[str]) -> dict[str, Any]:
    base = entries[0]
    scored = [e for e in entries if e.scores and (e is base or not e.failure)]
    ranked = sorted(scored, key=lambda e: robust.median(e.scores) * (1 if rules.lower else -1))
    level = 1 - 0.05 / max(len(scored) - 1, 1)  # one of many is bound to look good
    rows = [_row(place, e, base, rules, level) for place, e in enumerate(ranked, 1)]
    failed = [{"name": e.variant.name, "why": e.failure[:300]} for e in entries if e.failure]
    return {
        "best": rows[0]["name"],
        "says": _says(base.variant.name, rows[0]),
        "score": rules.score,
        "better": "lower" if rules.lower else "higher",
        "compared_to": base.variant.name,
        "ranked": rows,
        "failed": failed[:20] + ([{"name": f"and {len(failed) - 20} more"}] if len(failed) > 20 else []),
        "not_run": [e.variant.name for e in entries if not e.scores and not e.failure],
        "restored": sorted({path for e in entries for path in e.variant.files}),
        "notes": notes,
    }


def _row(place: int, entry: Entry, base: Entry, rules: Rules, level: float) -> dict[str, Any]:
    row: dict[str, Any] = {"rank": place, "name": entry.variant.name, "score": rounded(robust.median(entry.scores))}
    if len(entry.scores) > 1:
        row |= {"scores": [rounded(s) for s in entry.scores[:MOST_SHOWN]]}
    return row if entry is base else {**row, **_against(entry.scores, base.scores, rules.lower, level)}


def _against(scores: list[float], base: list[float], lower: bool, level: float) -> dict[str, Any]:
    """Ratio and verdict; the verdict's level is shared among all variants."""
    ratios = min(*scores, *base) > 0
    steps = [math.log(s / b) if ratios else s - b for s, b in zip(scores, base, strict=False)]
    interval = robust.mean_interval(steps, level)
    centre = robust.mean(steps)
    shown = {"ratio": rounded(math.exp(centre), 4)} if ratios else {"difference": rounded(centre, 4)}
    if interval is None:
        return {**shown, "verdict": "untested"}
    if interval.low <= 0 <= interval.high:
        return {**shown, "verdict": "noise"}
    return {**shown, "verdict": "better" if (centre < 0) == lower else "worse"}


def _says(base: str, best: dict[str, Any]) -> str:
    if best["name"] == base:
        return f"nothing beats {base!r}"
    return {
        "better": f"the best beats {base!r} beyond noise, the number of variants allowed for",
        "noise": f"the best cannot be told from {base!r}: the difference is noise at this number of rounds",
        "worse": "the order of medians and the comparison in pairs disagree: run more rounds",
    }.get(best["verdict"], "too few rounds to tell a difference from noise: 3 at least, 5 are better")
