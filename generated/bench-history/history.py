"""The measurements on record, and how to pick some of them."""

import time
from typing import Any, NamedTuple

import environment
import robust
from ledger import Ledger
from values import ToolError


class Entry(NamedTuple):
    """One recorded measurement; `number` counts all that were ever recorded, from 1."""

    number: int
    benchmark: str
    values: list[float]
    unit: str
    lower: bool
    label: str
    commit: str
    note: str
    at: str
    environment: dict[str, Any]

    @property
    def median(self) -> float:
        return robust.median(self.values)

    @property
    def place(self) -> str:
        return str(self.environment.get("id", ""))

    def shown(self) -> dict[str, Any]:
        """In short: empty fields are left out."""
        fields = {"entry": self.number, "at": self.at, "label": self.label, "commit": self.commit}
        return {**{k: v for k, v in fields.items() if v}, "median": self.median, "runs": len(self.values)}


class History:
    """All entries that have not been retracted, in the order of recording."""

    def __init__(self) -> None:
        self._ledger = Ledger("history.jsonl")
        records = self._ledger.read()
        self.damaged = self._ledger.damaged
        retracted = {record["retract"] for record in records if "retract" in record}
        measured = [record for record in records if "benchmark" in record]
        self._ever = [_entry(number, record) for number, record in enumerate(measured, 1)]
        self.entries = [entry for entry in self._ever if entry.number not in retracted]

    def names(self) -> list[str]:
        return sorted({entry.benchmark for entry in self.entries})

    def of(self, benchmark: str) -> list[Entry]:
        """Raises ToolError for one that has no entries."""
        found = [entry for entry in self.entries if entry.benchmark == benchmark]
        if not found:
            known = ", ".join(self.names()[:30]) or "none yet"
            raise ToolError(f"nothing is recorded of the benchmark {benchmark!r}; recorded are: {known}")
        return found

    def record(self, given: dict[str, Any]) -> Entry:
        """Add a measurement; raises ToolError where it contradicts earlier ones of its benchmark."""
        earlier = [entry for entry in self.entries if entry.benchmark == given["benchmark"]]
        record = {
            "benchmark": given["benchmark"],
            "values": given["values"],
            "unit": given.get("unit", earlier[-1].unit if earlier else ""),
            "lower": given["better"] == "lower" if "better" in given else earlier[-1].lower if earlier else True,
            "label": given.get("label", ""),
            "commit": environment.commit(),
            "note": given.get("note", ""),
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "environment": environment.here(given.get("environment", {})),
        }
        for last in earlier[-1:]:
            _check_same(last, record)
        before = self._ledger.append(record)  # another session may have recorded meanwhile
        return _entry(sum("benchmark" in r for r in before) + 1, record)

    def retract(self, number: int, why: str) -> Entry:
        """Take an entry out of all answers; the file keeps it. Doing so twice is no error."""
        if not 1 <= number <= len(self._ever):
            raise ToolError(f"there is no entry {number}; the last one is {len(self._ever)}")
        entry = self._ever[number - 1]
        if entry in self.entries:
            self._ledger.append({"retract": number, "why": why})
        return entry


def _check_same(last: Entry, record: dict[str, Any]) -> None:
    if record["unit"] != last.unit:
        raise ToolError(f"{last.benchmark!r} has another unit {last.unit!r} so far; use another benchmark name")
    if record["lower"] != last.lower:
        word = "lower" if last.lower else "higher"
        raise ToolError(f"of {last.benchmark!r} {word} scores are better so far; use another benchmark name")


def _entry(number: int, record: dict[str, Any]) -> Entry:
    return Entry(number, **{key: record[key] for key in Entry._fields[1:]})


def picked(entries: list[Entry], which: str) -> list[Entry]:
    """The entries that `which` means: latest, previous, first, best, #NUMBER, or all with a label or commit."""
    if which in ("latest", "previous", "first"):
        at = {"latest": -1, "previous": -2, "first": 0}[which]
        if len(entries) < abs(at):
            raise ToolError(f"there is no {which} entry: only {len(entries)} is recorded")
        return [entries[at]]
    if which == "best":
        return [(min if entries[0].lower else max)(entries, key=lambda entry: entry.median)]
    if which.startswith("#"):
        found = [entry for entry in entries if str(entry.number) == which[1:]]
    else:
        found = [
            e for e in entries if which in (e.label, e.commit) or (len(which) > 6 and which.startswith(e.commit or "-"))
        ]
    if not found:
        labels = ", ".join(dict.fromkeys(entry.label for entry in entries if entry.label)) or "none"
        raise ToolError(f"{which!r} names no entry; use latest, previous, first, best, #NUMBER, or a label: {labels}")
    return found
