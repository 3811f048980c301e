"""Questions to the telemetry file."""

import sqlite3
from pathlib import Path

import pytest
from calls_bench import event
from ended import ended_as

from harnessgym_mcp.core.events import STATUSES, CallEvent, percentile
from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.store.callstats import recent_calls, tool_stats
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter


def record(home: Home, *events: CallEvent) -> None:
    writer = TelemetryWriter(home, Telemetry(flush=0.001), ended_as)
    for one in events:
        writer.put(one)
    assert writer.close(10) == 0


def test_nothing_recorded_is_nothing_and_no_note(home: Home) -> None:
    notes: list[str] = []
    assert tool_stats(home, notes=notes) == []
    assert recent_calls(home, 10, notes=notes) == []
    assert notes == []


def test_counts_by_status_sum_up_and_only_completed_is_success(home: Home) -> None:
    record(home, *[event(status=status) for n, status in enumerate(STATUSES) for _ in range(n + 1)])
    (stats,) = tool_stats(home)
    assert (stats.successes, stats.tool_errors, stats.protocol_errors) == (1, 2, 3)
    assert (stats.timeouts, stats.cancelled, stats.crashed) == (4, 5, 6)
    assert stats.calls == 21


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 21, 100])
def test_percentiles_are_nearest_rank(home: Home, count: int) -> None:
    durations = [float((n * 37) % count) for n in range(count)]
    record(home, *[event(duration_ms=d) for d in durations])
    (stats,) = tool_stats(home)
    assert (stats.p50_ms, stats.p95_ms) == (percentile(sorted(durations), 0.5), percentile(sorted(durations), 0.95))
    assert stats.max_ms == max(durations)


def test_sums_times_and_ways(home: Home) -> None:
    record(home, event(at=5.0, via="call"), event(at=3.0), event(at=4.0))
    (stats,) = tool_stats(home)
    assert (stats.argument_bytes, stats.result_bytes) == (21, 33)
    assert (stats.first_at, stats.last_at) == (3.0, 5.0)
    assert stats.via == {"direct": 2, "call": 1}


def test_versions_and_tools_are_told_apart(home: Home) -> None:
    record(home, event(digest="sha256:b", at=2.0), event(digest="sha256:a", at=1.0), event(tool="other"))
    found = [(s.tool, s.digest) for s in tool_stats(home)]
    assert found == [("other", "sha256:one"), ("solve", "sha256:a"), ("solve", "sha256:b")]


def test_filters(home: Home) -> None:
    record(
        home,
        event(tool="a", session="s1", labels='{"run": "r1"}', at=1.0),
        event(tool="b", session="s2", labels='{"run": "r2"}', at=2.0, artifact="other"),
        event(tool="c", session="s2", labels="not json", at=3.0),
        event(tool="d", session="s1", origin="qualification", at=4.0),
    )
    assert [s.tool for s in tool_stats(home, session="s1")] == ["a"]
    assert [s.tool for s in tool_stats(home, run="r2")] == ["b"]
    assert [s.tool for s in tool_stats(home, since=2.0)] == ["c", "b"]
    assert [s.tool for s in tool_stats(home, artifact="other")] == ["b"]
    assert [s.tool for s in tool_stats(home, origin="qualification")] == ["d"]
    assert len(tool_stats(home, origin=None)) == 4
    assert [c["tool"] for c in recent_calls(home, 10, session="s1")] == ["a", "d"]
    assert [c["tool"] for c in recent_calls(home, 10, run="r1")] == ["a"]
    assert [c["tool"] for c in recent_calls(home, 9, session="s1", origin="agent")] == ["a"]


def test_hostile_filters_find_nothing(home: Home) -> None:
    record(home, event())
    assert tool_stats(home, session="' OR 1 --") == []
    assert tool_stats(home, artifact="\udce9") == []
    assert len(recent_calls(home, 10**30)) == 1


def test_recent_calls_are_the_newest_in_order_and_can_be_followed(home: Home) -> None:
    record(home, *[event(tool=f"t{n}") for n in range(10)])
    newest = recent_calls(home, 3)
    assert [c["tool"] for c in newest] == ["t7", "t8", "t9"]
    after = recent_calls(home, 2, after_id=recent_calls(home, 10)[4]["id"])
    assert [c["tool"] for c in after] == ["t5", "t6"]
    assert recent_calls(home, 10, after_id=newest[-1]["id"]) == []


def test_following_a_file_that_was_replaced_begins_anew(home: Home) -> None:
    record(home, event(tool="a"))
    last = recent_calls(home, 1)[0]["id"]
    home.telemetry.unlink()
    record(home, event(tool="b"))
    assert [c["tool"] for c in recent_calls(home, 10, after_id=last)] == ["b"]


def test_a_damaged_file_is_a_note_and_stays_as_it_is(home: Home) -> None:
    home.telemetry.write_bytes(b"garbage" * 500)
    notes: list[str] = []
    assert tool_stats(home, notes=notes) == []
    assert recent_calls(home, 5, notes=notes) == []
    assert len(notes) == 2
    assert "cannot be read" in notes[0]
    assert home.telemetry.read_bytes() == b"garbage" * 500


def test_reading_goes_on_while_somebody_writes(home: Home) -> None:
    record(home, event())
    other = sqlite3.connect(home.telemetry, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM calls")
    assert len(tool_stats(home)) == 1
    other.execute("ROLLBACK")
    other.close()


def test_a_path_with_odd_characters_is_read(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "a b%41?#é", state=tmp_path / "state")
    record(home, event())
    assert len(tool_stats(home)) == 1
