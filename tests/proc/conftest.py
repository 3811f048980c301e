"""A room to start things in, in each tier that works here."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.choose import choose_sandbox, probe_all
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.room import Bounds, Room
from harnessgym_mcp.proc.sandbox import Prepared, Sandbox

sys.path.insert(0, str(Path(__file__).parent))


@cache
def working() -> dict[str, IsolationReport]:
    return {report.tier: report for report in probe_all(Isolation()) if report.in_force}


@dataclass
class House:
    """A sandbox and a room; what it starts is ended with the test."""

    sandbox: Sandbox
    room: Room
    started: list[tuple["subprocess.Popen[bytes]", Prepared]]

    def start(self, *argv: str, cwd: str = "/", **changes: Any) -> tuple["subprocess.Popen[bytes]", Prepared]:
        prepared = self.sandbox.prepare(replace(self.room, **changes), argv, cwd)
        process = subprocess.Popen(
            prepared.argv,
            env=prepared.env,
            cwd=prepared.cwd,
            pass_fds=prepared.pass_fds,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        prepared.release()
        self.started.append((process, prepared))
        return process, prepared

    def run(self, *argv: str, **changes: Any) -> str:
        """What it printed; it must end well."""
        process, prepared = self.start(*argv, **changes)
        out, err = process.communicate(timeout=60)
        prepared.close()
        assert process.returncode == 0, (process.returncode, out, err)
        return out.decode()

    def sh(self, script: str, **changes: Any) -> str:
        return self.run("/bin/sh", "-c", script, **changes)


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    started: list[tuple[subprocess.Popen[bytes], Prepared]] = []

    def make(tier: str) -> House:
        if tier not in working():
            pytest.skip(f"tier {tier} does not work on this machine")
        folders = [tmp_path / name for name in ("artifact", "data", "work space")]
        for folder in folders:
            folder.mkdir()
        room = Room(folders[0], folders[1], Bounds.of(Isolation()), workspace=folders[2])
        return House(choose_sandbox(Isolation(tier=tier), tmp_path / "state"), room, started)

    yield make
    for process, prepared in started:
        if process.poll() is None:
            kill_all(process.pid, prepared.tag)
        with process:  # closes the pipes and waits
            prepared.close()


@pytest.fixture(params=["A", "B", "D"])
def house(request: pytest.FixtureRequest, make_house: Callable[[str], House]) -> House:
    """One for each tier."""
    return make_house(request.param)
