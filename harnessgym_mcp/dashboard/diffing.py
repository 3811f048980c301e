"""Two versions of an artifact, line by line. Both are hostile text: bounded before it is compared, never executed."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Dashboard
from harnessgym_mcp.core.text import visible
from harnessgym_mcp.store.tree import UNBOUNDED, survey

__all__ = ["FileDiff", "Line", "definitions", "diff", "files_of"]

Line = tuple[str, str]
"""`(kind, text)`: kind is add, del, same or at (where a hunk begins)."""

_COLUMNS = 400


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file's change: `kind` is added, removed or changed; `note` says why lines are missing."""

    path: str
    kind: str
    lines: list[Line] = field(default_factory=list)
    note: str = ""
    added: int = 0
    removed: int = 0


def files_of(root: Path, most: int) -> dict[str, bytes | None]:
    """The files of a kept tree: content, or None where it is longer than `most` bytes."""
    tree, _ = survey(root, UNBOUNDED)
    return {f.path: (root / f.path).read_bytes() if f.size <= most else None for f in tree.files}


def definitions(version: Version) -> dict[str, bytes | None]:
    """Each tool as it was listed, as a text that can be compared."""
    return {
        f"tool {tool.get('name')}": json.dumps(tool, indent=1, sort_keys=True, ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        for tool in version.tools
    }


def diff(old: Mapping[str, bytes | None], new: Mapping[str, bytes | None], policy: Dashboard) -> list[FileDiff]:
    """What differs, in order of path; at most `policy.diff_lines` lines in all."""
    left = policy.diff_lines
    found: list[FileDiff] = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path, b""), new.get(path, b"")
        if path in old and path in new and before is not None and before == after:
            continue
        one = _one(
            path,
            "changed" if path in old and path in new else "added" if path in new else "removed",
            before,
            after,
            left,
        )
        left -= len(one.lines)
        found.append(one)
    return found


def _one(path: str, kind: str, before: bytes | None, after: bytes | None, left: int) -> FileDiff:
    if before is None or after is None:
        return FileDiff(path, kind, note="too long to be compared here")
    if b"\0" in before or b"\0" in after:
        return FileDiff(path, kind, note="not a text")
    if left <= 0:
        return FileDiff(path, kind, note="left out: there are more changes than fit on a page")
    lines = list(_lines(before.decode("utf-8", "replace"), after.decode("utf-8", "replace")))
    note = f"{len(lines) - left} more lines are left out" if len(lines) > left else ""
    counts = {kind: sum(k == kind for k, _ in lines) for kind in ("add", "del")}
    return FileDiff(path, kind, lines[:left], note, counts["add"], counts["del"])


def _lines(before: str, after: str) -> Iterator[Line]:
    old, new = before.splitlines(), after.splitlines()
    changes: Iterable[str] = difflib.unified_diff(old, new, lineterm="", n=3)
    for number, line in enumerate(changes):
        if number >= 2:  # the two lines of file names
            kind = {"+": "add", "-": "del", "@": "at"}.get(line[:1], "same")
            yield kind, visible(line if kind == "at" else line[1:])[:_COLUMNS]
