"""The watchdog: bounds that the kernel does not keep."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.proc.leftovers import remove_leftover
from harnessgym_mcp.proc.room import Bounds
from harnessgym_mcp.proc.watch import Watch, Watchdog

DEADLINE = 20.0
SMALL = replace(Bounds.of(Isolation()), memory_mb=64, processes=12, data_mb=4, tmp_mb=4)
FAST = 0.02
HOGS = {
    "memory": "x = b'x' * (128 << 20)\nimport time\ntime.sleep(60)",
    "processes": "import os, time\nfor _ in range(16):\n    os.fork() or time.sleep(60)\ntime.sleep(60)",
    "data": """
import os, time
for name in "abcdefgh":
    with open(os.environ["PLUGIN_DATA"] + "/" + name, "wb") as file:
        file.write(b"x" * (1 << 20))
time.sleep(60)
""",
    "nested": """
import os, time
os.chdir(os.environ["PLUGIN_DATA"])
for _ in range(900):  # 4500 characters: longer than a path may be, and less than 4 MB
    os.mkdir("deep")
    os.chdir("deep")
time.sleep(60)
""",
}
TOLD = {"nested": "data"}


@pytest.fixture
def alone(house: Any, tmp_path: Path) -> Any:
    """The house on a machine where no control group can be made: its probe's result says so."""
    tier = house.sandbox.report.tier
    file = tmp_path / "state" / "isolation.json"
    cache = msgspec.json.decode(file.read_bytes())
    cache["reports"][tier]["in_force"]["bounded_by_kernel"] = False
    file.write_bytes(msgspec.json.encode(cache))
    house.sandbox = choose_sandbox(Isolation(tier=tier), tmp_path / "state")
    return house


def watched(house: Any, code: str, dog: Watchdog) -> tuple[Any, Watch]:
    process, prepared = house.start("python3", "-I", "-S", "-c", code, bounds=SMALL)
    return process, dog.watch(process.pid, prepared)


@pytest.mark.parametrize("kind", HOGS)
def test_a_server_that_breaks_a_bound_is_ended_and_told_why(alone: Any, kind: str) -> None:
    dog = Watchdog(FAST)
    process, watch = watched(alone, HOGS[kind], dog)
    assert watch.ended.wait(DEADLINE)
    assert process.wait(DEADLINE) != 0
    assert TOLD.get(kind, kind) in watch.breach
    assert "allowed" in watch.breach
    dog.close()
    remove_leftover(alone.room.data)  # nested too deep for pytest


def test_a_server_within_its_bounds_is_left_alone_and_measured(alone: Any) -> None:
    dog = Watchdog(FAST)
    process, watch = watched(alone, "import sys; print('ready', flush=True); sys.stdin.read()", dog)
    process.stdout.readline()
    watch.looked.wait(DEADLINE)
    process.stdin.close()
    assert process.wait(DEADLINE) == 0
    assert watch.ended.wait(DEADLINE)
    assert watch.breach == ""
    assert watch.peak_memory > 1 << 20
    assert watch.peak_processes >= 1
    dog.close()


def test_forked_processes_are_not_charged_twice_for_what_they_share(alone: Any) -> None:
    """Forty megabytes, shared by three: resident 120, really 40."""
    code = """
import os, sys
x = b"x" * (40 << 20)
for _ in range(2):
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""
    dog = Watchdog(FAST)
    process, watch = watched(alone, code, dog)
    process.stdout.readline()
    watch.looked.clear()
    assert watch.looked.wait(DEADLINE)
    assert watch.breach == ""
    process.stdin.close()
    process.wait(DEADLINE)
    dog.close()


def test_one_dog_watches_many_and_forgets_them_on_request(alone: Any) -> None:
    dog = Watchdog(FAST)
    first = watched(alone, HOGS["memory"], dog)
    second = watched(alone, "import time; time.sleep(60)", dog)
    assert first[1].ended.wait(DEADLINE)
    assert not second[1].ended.is_set()
    dog.forget(second[1])
    assert second[1].ended.is_set()
    assert second[0].poll() is None
    dog.close()
    dog.close()


def test_watching_costs_nothing_while_there_is_nothing_to_watch() -> None:
    before = os.times()
    dog = Watchdog(FAST)
    dog.close()
    assert os.times().user - before.user < 0.1
