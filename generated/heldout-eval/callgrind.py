"""Instructions counted by valgrind's callgrind: a measure that a busy machine leaves alone, at fifty times the time."""

import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from commands import Outcome, run
from values import ToolError
from wire import Call

_COST = re.compile(r"(?:[+-]?\d+|0x[0-9a-f]+|\*) (\d+)")
_NAME = re.compile(r"([cj]?)fn=\((\d+)\)(?: (.*))?")
_TOTAL = re.compile(r"(?:summary|totals): (\d+)")


class Count(NamedTuple):
    """`functions` maps each function to the instructions in it alone, of all processes together."""

    instructions: int
    functions: Counter[str]

    def hottest(self, most: int) -> list[dict[str, object]]:
        return [
            {"function": name[:160], "percent": round(100 * cost / max(self.instructions, 1), 1)}
            for name, cost in self.functions.most_common(most)
        ]


def count(call: Call, command: str, seconds: float) -> tuple[Outcome, Count]:
    """Run a shell command under callgrind, its children included. Raises ToolError where there is no valgrind."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise ToolError("valgrind is not installed, so instructions cannot be counted; use cpu_seconds instead")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--tool=callgrind", "--trace-children=yes", "--vgdb=no", "-q", f"--callgrind-out-file={folder}/%p"]
        outcome = run(call, [valgrind, *options, "/bin/sh", "-c", command], seconds)
        counts = [parse(path.read_text("utf-8", "replace")) for path in sorted(Path(folder).iterdir())]
    if outcome.code == 0 and not counts:
        raise ToolError(f"valgrind left no profile; it said: {outcome.stderr[-400:]}")
    return outcome, Count(sum(c.instructions for c in counts), sum((c.functions for c in counts), Counter()))


def parse(profile: str) -> Count:
    """One profile in callgrind's format. The line after `calls=` is the callee's cost, not the caller's own."""
    functions: Counter[str] = Counter()
    names: dict[str, str] = {}
    current, total, callee = "", 0, False
    for line in profile.splitlines():
        if match := _COST.match(line):
            functions[current] += 0 if callee else int(match[1])
            callee = False
        elif match := _NAME.match(line):
            name = names.setdefault(match[2], match[3] or match[2])  # a callee's line may be the first to name it
            current = current if match[1] else name
        elif line.startswith("calls="):
            callee = True
        elif match := _TOTAL.match(line):
            total = max(total, int(match[1]))
    return Count(total or sum(functions.values()), functions)
