"""A file of records that only ever grows: one JSON object a line. The same file in each starter artifact that needs it.

Several servers may share it: a line is written under a lock and reaches the disk before the answer does. A line torn
by a crash is passed over and counted, never repaired.
"""

import fcntl
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from values import ToolError


class Ledger:
    """`name` is a file in the artifact's own data folder."""

    def __init__(self, name: str) -> None:
        self.path = Path(os.environ.get("PLUGIN_DATA") or tempfile.gettempdir()) / name
        self.damaged = 0  # lines of the last reading that are no records

    def append(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """Write one record; gives all that were there before it. Raises ToolError where the disk refuses."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            with self.path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                before = file.read()
                torn = bool(before) and not before.endswith(b"\n")
                file.write(b"\n" + line if torn else line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ToolError(f"the record cannot be written: {error.strerror}") from None
        return self._records(before)

    def read(self) -> list[dict[str, Any]]:
        """All records in the order of writing; none where there is no file yet."""
        try:
            return self._records(self.path.read_bytes())
        except FileNotFoundError:
            return []

    def _records(self, content: bytes) -> list[dict[str, Any]]:
        lines = [line for line in content.splitlines() if line.strip()]
        records = [record for line in lines if isinstance(record := _parsed(line), dict)]
        self.damaged = len(lines) - len(records)
        return records


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
