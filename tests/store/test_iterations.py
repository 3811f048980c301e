"""Iterations on disk: slots shared between processes, old ones let go, damage survived."""

import subprocess
import sys

import pytest

from harnessgym_mcp.core.iteration import Iteration, close_slot, open_slot
from harnessgym_mcp.errors import SlotError, StateError
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore

OPENER = """
import sys
from pathlib import Path
from harnessgym_mcp.core.iteration import Iteration, open_slot
from harnessgym_mcp.errors import SlotError
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore
store = IterationStore(Home.open(Path(sys.argv[1]), state=Path(sys.argv[2])))
try:
    store.update(lambda found: open_slot(found, Iteration(id=sys.argv[3], session="s", name="demo")))
    print("opened")
except SlotError:
    print("refused")
"""


def iteration(number: int) -> Iteration:
    return Iteration(id=f"s-{number}", session=f"session-{number}", name="demo")


def test_what_is_written_is_read_by_another_store(home: Home) -> None:
    store = IterationStore(home)
    assert store.read() == []
    store.update(lambda found: open_slot(found, iteration(1)))
    assert IterationStore(home).read() == [iteration(1)]


def test_of_several_processes_one_gets_the_slot(home: Home) -> None:
    args = [sys.executable, "-c", OPENER, str(home.workspace), str(home.state)]
    running = [subprocess.Popen([*args, str(n)], stdout=subprocess.PIPE, text=True) for n in range(4)]
    printed = sorted(process.communicate(timeout=60)[0].strip() for process in running)
    assert printed == ["opened", "refused", "refused", "refused"]


def test_a_refused_change_writes_nothing(home: Home) -> None:
    store = IterationStore(home)
    store.update(lambda found: open_slot(found, iteration(1)))
    before = home.iterations.read_bytes()
    with pytest.raises(SlotError):
        store.update(lambda found: open_slot(found, iteration(1)))
    assert home.iterations.read_bytes() == before


def test_the_newest_are_kept_and_open_ones_always(home: Home) -> None:
    store = IterationStore(home, most=3)
    for number in range(6):
        store.update(lambda found, n=number: open_slot(found, iteration(n)))
        if number:
            store.update(lambda found, n=number: close_slot(found, f"s-{n}", "qualified", at=1.0))
    assert [i.id for i in store.read()] == ["s-0", "s-3", "s-4", "s-5"]


def test_a_damaged_file_counts_as_empty_and_is_set_aside(home: Home) -> None:
    home.iterations.write_text('{"iterations": [{')
    store = IterationStore(home)
    assert store.read() == []
    assert home.iterations.read_text() == '{"iterations": [{'
    store.update(lambda found: open_slot(found, iteration(1)))
    assert store.read() == [iteration(1)]
    assert [p.read_text() for p in home.root.iterdir() if ".corrupt-" in p.name] == ['{"iterations": [{']
    assert len(store.notes) == 2


def test_a_file_of_a_newer_program_is_left_alone(home: Home) -> None:
    home.iterations.write_text('{"schema": 2, "iterations": []}')
    with pytest.raises(StateError, match="newer"):
        IterationStore(home).update(lambda found: found)
