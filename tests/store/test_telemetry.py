"""The writer of call events: quick, never in the way, and honest about every row that it could not keep."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from calls_bench import ended_as, event

from harnessgym_mcp.core.events import CallEvent
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.store.calls_file import CallsFile
from harnessgym_mcp.store.calls_table import COLUMNS, MIGRATIONS, insert, migrate, shape_is_right
from harnessgym_mcp.store.callstats import recent_calls
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter

POLICY = Telemetry(flush=0.005, retry=0.01, busy=1.0)

WRITER = """
import os, signal, sys, time
from dataclasses import replace
from pathlib import Path
from calls_bench import event, ended_as
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter
home = Home.open(Path(sys.argv[1]), state=Path(sys.argv[2]))
policy = Telemetry(flush=0.25)
writer = TelemetryWriter(home, policy, ended_as)
"""
KILLED = (
    WRITER
    + """
for number in range(1000):
    writer.put(event(tool=f"t{number}"))
time.sleep(2 * policy.flush)
writer.put(event(tool="too late"))
os.kill(os.getpid(), signal.SIGKILL)
"""
)
ONE_OF_MANY = (
    WRITER
    + """
for number in range(500):
    writer.put(event(tool=f"t{number}", front=sys.argv[3]))
    if number % 100 == 0:
        time.sleep(0.01)
print(writer.close(30), writer.error)
"""
)


@pytest.fixture
def writer(home: Home) -> Iterator[TelemetryWriter]:
    writer = TelemetryWriter(home, POLICY, ended_as)
    yield writer
    writer.close(5)


@pytest.fixture
def _threads_switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def tools(home: Home) -> list[str]:
    return [call["tool"] for call in recent_calls(home, 100_000)]


def eventually(true: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        threading.Event().wait(0.002)


def child(code: str, home: Home, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(home.workspace), str(home.state), *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent)


def test_events_come_back_with_all_their_fields_in_order(home: Home, writer: TelemetryWriter) -> None:
    kinds = '{"text":2,"image":1}'
    sent = [
        event(tool=f"t{n}", at=float(n), via="call", arguments='{"n": 1}', error="no", content_kinds=kinds)
        for n in range(5)
    ]
    for one in sent:
        writer.put(one)
    assert writer.close(5) == 0
    rows = recent_calls(home, 10)
    assert [CallEvent(**{k: v for k, v in row.items() if k != "id"}) for row in rows] == sent
    assert len({row["id"] for row in rows}) == 5
    assert writer.error == ""


def test_without_events_nothing_is_made(home: Home) -> None:
    before = threading.active_count()
    writer = TelemetryWriter(home, POLICY, ended_as)
    assert threading.active_count() == before
    assert writer.close(1) == 0
    assert not home.telemetry.exists()


def test_events_are_written_without_closing(home: Home, writer: TelemetryWriter) -> None:
    for name in ("a", "b", "c"):
        writer.put(event(tool=name))
        eventually(lambda name=name: name in tools(home))


def test_nothing_put_two_intervals_before_a_kill_is_lost(home: Home) -> None:
    with child(KILLED, home) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    assert tools(home)[:1000] == [f"t{n}" for n in range(1000)]


def test_several_processes_write_at_once_and_lose_nothing(home: Home) -> None:
    running = [child(ONE_OF_MANY, home, str(n)) for n in range(3)]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["0"] * 3
    rows = recent_calls(home, 10_000)
    assert len({row["id"] for row in rows}) == len(rows) == 1500
    for front in "012":
        assert [row["tool"] for row in rows if row["front"] == front] == [f"t{n}" for n in range(500)]


@pytest.mark.usefixtures("_threads_switch_often")
def test_an_event_that_meets_the_writer_between_two_rounds_is_not_forgotten(home: Home) -> None:
    writer = TelemetryWriter(home, replace(POLICY, flush=0.0), ended_as)
    for number in range(3000):
        writer.put(event())
        until = time.monotonic() + 20
        while writer.waiting:  # and about the moment that the writer is done, the next event comes
            assert time.monotonic() < until
        for _ in range(number * 7 % 4000):
            pass
    assert writer.close(5) == 0
    assert len(tools(home)) == 3000


def test_an_event_right_before_closing_is_written(home: Home) -> None:
    for number in range(60):
        writer = TelemetryWriter(home, POLICY, ended_as)
        writer.put(event(tool=f"t{number}"))
        assert writer.close(5) == 0
    assert len(tools(home)) == 60


def test_two_writers_that_meet_a_damaged_file_set_it_aside_once(home: Home) -> None:
    home.telemetry.write_bytes(b"damaged" * 1000)
    files = [CallsFile(home, 1.0, []) for _ in range(2)]
    met = threading.Barrier(2)

    def write(number: int) -> None:
        with pytest.raises(sqlite3.DatabaseError):
            files[number].ready()
        met.wait(20)
        files[number].write(lambda: [[(f"id-{number}", *event())]])
        files[number].close()

    writing = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in writing:
        thread.start()
    for thread in writing:
        thread.join(20)
    assert len([p for p in home.root.iterdir() if ".corrupt-" in p.name]) == 1
    assert len(tools(home)) == 2


def test_a_full_queue_drops_counts_and_never_blocks(home: Home) -> None:
    writer = TelemetryWriter(home, replace(POLICY, queue=300, flush=30.0), ended_as)
    for _ in range(5000):
        writer.put(event())
    assert 4000 < writer.dropped <= 4700
    lost = writer.close(10)
    assert lost + len(tools(home)) == 5000
    assert len(tools(home)) >= 300


def test_an_event_after_closing_is_counted_as_lost(home: Home, writer: TelemetryWriter) -> None:
    writer.put(event())
    assert writer.close(5) == 0
    writer.put(event())
    assert writer.close(5) == 1


def test_closing_is_quick_even_in_the_middle_of_an_interval(home: Home) -> None:
    writer = TelemetryWriter(home, replace(POLICY, flush=30.0), ended_as)
    writer.put(event(tool="last"))
    began = time.monotonic()
    assert writer.close(10) == 0
    assert time.monotonic() - began < 5
    assert tools(home) == ["last"]


@pytest.mark.parametrize("damage", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_and_told(home: Home, writer: TelemetryWriter, damage: bytes) -> None:
    home.telemetry.write_bytes(damage)
    writer.put(event(tool="a"))
    assert writer.close(5) == 0
    assert tools(home) == ["a"]
    (aside,) = [p for p in home.root.iterdir() if ".corrupt-" in p.name]
    assert aside.read_bytes() == damage
    assert writer.notes == [f"the damaged telemetry file was set aside as {str(aside)!r}"]


def test_all_writers_follow_to_the_fresh_file_when_one_sets_a_damaged_one_aside(
    home: Home, writer: TelemetryWriter
) -> None:
    writer.put(event(tool="a"))
    eventually(lambda: tools(home) == ["a"])
    for path in (home.telemetry, Path(f"{home.telemetry}-wal")):
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)
    second = TelemetryWriter(home, POLICY, ended_as)
    second.put(event(tool="b"))
    assert second.close(5) == 0
    writer.put(event(tool="c"))
    assert writer.close(5) == 0
    assert tools(home) == ["b", "c"]
    assert (len(second.notes), len(writer.notes)) == (1, 0)
    assert len([p for p in home.root.iterdir() if ".corrupt-" in p.name]) == 3


def test_a_file_of_another_kind_is_set_aside(home: Home, writer: TelemetryWriter) -> None:
    connection = sqlite3.connect(home.telemetry)
    connection.execute("CREATE TABLE calls (precious TEXT)")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.close()
    writer.put(event(tool="a"))
    assert writer.close(5) == 0
    assert tools(home) == ["a"]
    assert len(writer.notes) == 1


def test_a_file_that_is_deleted_under_the_writer_is_made_again(home: Home, writer: TelemetryWriter) -> None:
    writer.put(event(tool="a"))
    eventually(lambda: tools(home) == ["a"])
    for path in home.root.glob("telemetry.sqlite*"):
        path.unlink()
    writer.put(event(tool="b"))
    eventually(lambda: tools(home) == ["b"])


def test_rows_wait_while_the_file_cannot_be_opened_and_follow_later(home: Home, writer: TelemetryWriter) -> None:
    home.telemetry.mkdir()
    writer.put(event(tool="a"))
    eventually(lambda: writer.error)
    assert "telemetry.sqlite" in writer.error
    home.telemetry.rmdir()
    eventually(lambda: tools(home) == ["a"])
    eventually(lambda: writer.error == "")
    assert writer.dropped == 0


def test_a_failed_write_is_tried_again_only_after_a_rest(home: Home) -> None:
    home.telemetry.mkdir()
    writer = TelemetryWriter(home, replace(POLICY, retry=60.0), ended_as)
    writer.put(event(tool="a"))
    eventually(lambda: writer.error)
    home.telemetry.rmdir()
    writer.put(event(tool="b"))
    threading.Event().wait(0.05)
    assert tools(home) == []
    assert writer.close(10) == 0
    assert tools(home) == ["a", "b"]


def test_calls_that_could_never_be_kept_are_counted(home: Home) -> None:
    home.journal.write_text("no folder")
    writer = TelemetryWriter(home, replace(POLICY, queue=3), ended_as)
    for _ in range(5):
        writer.put(event())
    assert writer.close(5) == 5
    assert "journal" in writer.error


@pytest.mark.parametrize("what", ["telemetry", "journal"])
def test_a_link_in_place_of_the_file_or_the_folder_is_not_followed(home: Home, tmp_path: Path, what: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    place: Path = getattr(home, what)
    place.symlink_to(elsewhere)
    if what == "journal":
        elsewhere.mkdir()
    writer = TelemetryWriter(home, POLICY, ended_as)
    writer.put(event(tool="a"))
    assert writer.close(5) == (what == "journal")
    assert writer.error
    assert not elsewhere.exists() or not any(elsewhere.iterdir())
    place.unlink()
    assert tools(home) == (["a"] if what == "telemetry" else [])


def test_another_writers_transaction_is_waited_for(home: Home, writer: TelemetryWriter) -> None:
    writer.put(event(tool="a"))
    eventually(lambda: tools(home) == ["a"])
    other = sqlite3.connect(home.telemetry, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer.put(event(tool="b"))
    threading.Event().wait(0.05)
    other.execute("COMMIT")
    other.close()
    assert writer.close(5) == 0
    assert tools(home) == ["a", "b"]
    assert writer.error == ""


def test_a_hostile_value_does_not_hold_up_the_others(home: Home, writer: TelemetryWriter) -> None:
    writer.put(event(tool="bad \udce9", result_bytes=2**70, duration_ms=float("nan")))
    writer.put(event(tool="good"))
    assert writer.close(5) == 0
    assert tools(home) == ["bad ?", "good"]


def test_the_table_has_a_column_for_every_field() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    migrate(connection)
    assert shape_is_right(connection)
    assert ("id", *CallEvent._fields) == COLUMNS
    insert(connection, [("x", *event())])
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_a_file_migrated_by_a_newer_program_is_still_written(home: Home, writer: TelemetryWriter) -> None:
    connection = sqlite3.connect(home.telemetry, isolation_level=None)
    migrate(connection)
    connection.execute("ALTER TABLE calls ADD COLUMN future TEXT")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    writer.put(event(tool="a"))
    assert writer.close(5) == 0
    assert tools(home) == ["a"]
    assert writer.notes == []


def test_the_file_is_private(home: Home, writer: TelemetryWriter) -> None:
    writer.put(event())
    eventually(lambda: tools(home))
    assert home.telemetry.stat().st_mode & 0o077 == 0


def test_rows_wait_for_a_pause_but_not_for_long_and_not_when_somebody_asks(home: Home) -> None:
    patient = TelemetryWriter(home, replace(POLICY, flush=60.0, delay=60.0), ended_as)
    patient.put(event(tool="a"))
    assert patient.flush(20.0)  # whoever asks has them at once
    assert [row["tool"] for row in recent_calls(home, 10)] == ["a"]
    patient.close(20.0)


def test_few_calls_are_written_without_a_pause_and_many_wait_for_one(home: Home) -> None:
    few = replace(POLICY, queue=10**9, flush=0.05, flush_busy=0.05, delay=0.05, light=10**9)
    assert written_while_calls_come(home, few)
    many = replace(few, light=0)
    assert not written_while_calls_come(home, many)
    assert written_while_calls_come(home, replace(many, journal_bytes=1))


def written_while_calls_come(home: Home, policy: Telemetry) -> bool:
    """Put calls without a pause: are rows written before there is one? A busy machine makes pauses; then once more."""
    deadline = time.monotonic() + 60.0
    while True:
        seen, pause = written_before_a_pause(home, policy, deadline)
        if not seen or pause < policy.flush:
            return seen


def written_before_a_pause(home: Home, policy: Telemetry, deadline: float) -> tuple[bool, float]:
    """Put calls until rows are written, or the journal has grown as often as it does in several looks; `(were they, the
    longest time between two calls)`."""
    writer = TelemetryWriter(home, policy, ended_as)
    before, size, grown, pause, last = rows_in(home), 0, 0, 0.0, time.monotonic()
    while grown < 20 and rows_in(home) == before:
        assert time.monotonic() < deadline, f"it grew {grown} times; the longest pause was of {pause} s"
        for _ in range(50):
            writer.put(event(tool="b"))
        was, size = size, journaled(home)
        grown += size > was
        pause, last = max(pause, time.monotonic() - last), time.monotonic()
    seen = rows_in(home) > before
    pause = max(pause, time.monotonic() - last)
    assert writer.close(20.0) == 0
    assert rows_in(home) > before
    return seen, pause


def journaled(home: Home) -> int:
    return sum(path.stat().st_size for path in home.journal.iterdir()) if home.journal.exists() else 0


def rows_in(home: Home) -> int:
    if not home.telemetry.exists():
        return 0
    with closing(sqlite3.connect(home.telemetry)) as connection:
        if not connection.execute("PRAGMA table_info(calls)").fetchall():
            return 0
        return int(connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
