"""The journal: what has ended is a row once and only once, whoever dies and whatever lies in the folder."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from calls_bench import ended_as, event

from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.atomic import locked
from harnessgym_mcp.store.calls_file import CallsFile
from harnessgym_mcp.store.callstats import recent_calls, tool_stats
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.intake import take_in, take_in_left
from harnessgym_mcp.store.journal import DamagedJournalError, Journal, encoded, left_behind

POLICY = Telemetry()

KILLED = """
import os, signal, sys
from pathlib import Path
from calls_bench import event, ended_as
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter
home = Home.open(Path(sys.argv[1]), state=Path(sys.argv[2]))
writer = TelemetryWriter(home, Telemetry(flush=0.001, flush_busy=0.001, light=0, delay=60.0), ended_as)
number = 0
while not sum(path.stat().st_size for path in home.journal.glob("*.calls")) > 100_000:
    writer.put(event(tool=f"t{number}"))
    number += 1
print(number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def new(home: Home, *batches: list[str]) -> Journal:
    """A journal with a block for each batch of tools."""
    journal, first = Journal.new(home.journal), 0
    for tools in batches:
        journal.append([encoded(first, ended_as([event(tool=tool) for tool in tools]))])
        first += len(tools)
    return journal


def leave(journal: Journal) -> Path:
    """As a kill does: the file stays, its lock goes."""
    journal.close(remove=False)
    return journal.path


def tools(home: Home, notes: list[str] | None = None) -> list[str]:
    return [call["tool"] for call in recent_calls(home, 1_000_000, notes=notes)]


def test_what_a_front_that_was_killed_in_a_burst_had_put_down_is_found_by_whoever_looks(home: Home) -> None:
    command = [sys.executable, "-c", KILLED, str(home.workspace), str(home.state)]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    put, found = int(killed.stdout), tools(home)
    assert 100_000 / 500 < len(found) <= put
    assert found == [f"t{number}" for number in range(len(found))]
    assert list(home.journal.iterdir()) == []
    assert tools(home) == found


def test_calls_that_were_taken_in_before_the_kill_are_no_second_rows(home: Home, tmp_path: Path) -> None:
    journal = new(home, ["a", "b"], ["c"])
    shutil.copy(journal.path, tmp_path / "copy")
    file = CallsFile(home, 1.0, [])
    assert take_in(journal, file, 1, lambda error: None) == 2
    file.close()
    path = leave(journal)  # committed, not yet cut: the whole file is there
    assert tools(home) == ["a", "b", "c"]
    shutil.copy(tmp_path / "copy", path)
    assert tools(home) == ["a", "b", "c"]


def test_a_block_that_was_cut_anywhere_costs_no_other(home: Home) -> None:
    journal = new(home, ["a"], ["b"])
    whole = journal.path.read_bytes()
    journal.append([encoded(2, ended_as([event(tool="c")]))])
    longer = journal.path.read_bytes()
    path = leave(journal)
    for length in range(len(whole), len(longer)):
        path.write_bytes(longer[:length])
        notes: list[str] = []
        assert tools(home, notes) == ["a", "b"]
        assert notes == []
        assert not path.exists()


@pytest.mark.parametrize(
    "damage", [b"\xff" * 100, b"\x05\0\0\0hello", b"\x03\0\0\0\x92\x00\x90" + b"\x04\0\0\0\x92\x00\x91\x01"]
)
def test_a_damaged_journal_is_set_aside_after_what_is_sound_in_it(home: Home, damage: bytes) -> None:
    path = leave(new(home, ["a"], ["b"]))
    with path.open("ab") as file:
        file.write(damage)
    notes: list[str] = []
    assert tools(home, notes) == ["a", "b"]
    assert "set aside" in notes[0]
    assert not path.exists()
    assert [p.name.startswith(path.name + ".corrupt-") for p in home.journal.iterdir()] == [True]
    assert tools(home, notes) == ["a", "b"]
    assert len(notes) == 1


def test_the_journal_of_a_front_that_lives_is_left_alone(home: Home) -> None:
    journal = new(home, ["a"])
    assert tools(home) == []
    assert list(left_behind(home.journal)) == []
    assert [event.tool for block in journal.blocks() for event in block.ended.events()] == ["a"]
    leave(journal)
    assert tools(home) == ["a"]


def test_who_asks_while_another_takes_in_what_was_left_waits_for_it(home: Home) -> None:
    leave(new(home, ["a"]))
    answers: list[list[str]] = []
    asking = threading.Thread(target=lambda: answers.append(tools(home)))
    with locked(home.lock("journal"), 1.0):
        (journal,) = left_behind(home.journal)
        asking.start()
        asking.join(0.2)
        assert answers == []
        file = CallsFile(home, 1.0, [])
        assert take_in(journal, file, 10, lambda error: None) == 1
        file.close()
        journal.close(remove=True)
    asking.join(20)
    assert answers == [["a"]]


def test_what_is_no_journal_is_passed_over(home: Home, tmp_path: Path) -> None:
    home.journal.mkdir()
    (home.journal / "link.calls").symlink_to(tmp_path / "elsewhere")
    (home.journal / "folder.calls").mkdir()
    os.mkfifo(home.journal / "pipe.calls")
    (home.journal / "notes.txt").write_text("mine")
    notes: list[str] = []
    assert tools(home, notes) == []
    assert (home.journal / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()
    assert notes == []


def test_a_front_that_starts_does_not_wait_for_what_others_left(home: Home) -> None:
    path = leave(new(home, ["a"]))
    assert tool_stats(home, left=False) == []
    assert path.exists()
    assert [stats.tool for stats in tool_stats(home)] == ["a"]


def test_values_that_messagepack_cannot_hold_cost_no_call(home: Home) -> None:
    bad = event(tool="\udce9", error="x\ud800", result_bytes=2**80, argument_bytes=-(2**80))
    journal = Journal.new(home.journal)
    journal.append([encoded(0, ended_as([bad, event(tool="good")]))])
    leave(journal)
    rows = recent_calls(home, 10)
    assert [(row["tool"], row["error"]) for row in rows] == [("?", "x?"), ("good", "")]
    assert rows[0]["result_bytes"] == 2**63 - 1


def test_our_own_journal_that_somebody_has_written_into_is_told(home: Home) -> None:
    journal = new(home, ["a"])
    journal.path.write_bytes(b"\x05\0\0\0hello")
    with pytest.raises(DamagedJournalError):
        list(journal.blocks())
    journal.close(remove=True)


def test_a_table_that_cannot_be_written_keeps_the_calls_in_the_journal(home: Home) -> None:
    path = leave(new(home, ["a"]))
    home.telemetry.mkdir()
    notes: list[str] = []
    take_in_left(home, POLICY, notes)
    assert path.name in notes[0]
    assert path.exists()
    home.telemetry.rmdir()
    assert tools(home) == ["a"]


def test_a_folder_that_is_a_link_gets_no_journal(home: Home, tmp_path: Path) -> None:
    home.journal.symlink_to(tmp_path)
    with pytest.raises(StateError, match="symbolic link"):
        Journal.new(home.journal)
    assert not list(tmp_path.glob("*.calls"))


def test_a_block_is_put_down_whole_or_not_at_all(home: Home) -> None:
    journal = new(home, ["a"])
    size = journal.path.stat().st_size
    before = os.open(journal.path, os.O_RDONLY)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(StateError):
            journal.append([encoded(1, ended_as([event(tool="b", error="x" * 500)]))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert os.fstat(before).st_size == size
    os.close(before)
    journal.append([encoded(1, ended_as([event(tool="c")]))])
    leave(journal)
    assert tools(home) == ["a", "c"]
