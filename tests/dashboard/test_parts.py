"""Periods, charts, differences and metrics, each by itself."""

import time

import pytest
from world import EVIL, Past, tool

from harnessgym_mcp.core.policy import Dashboard
from harnessgym_mcp.dashboard.charts import activity, buckets, durations, spark
from harnessgym_mcp.dashboard.diffing import diff
from harnessgym_mcp.dashboard.periods import Period, period_of
from harnessgym_mcp.dashboard.rendering import ago, clock, milliseconds
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.server.metrics import exposition
from harnessgym_mcp.store.callseries import Point, call_bins, call_points

HOUR = Period("1h", 7200.0, 300.0, 12)


@pytest.mark.parametrize("key", ["1h", "24h", "7d", "30d", "all"])
def test_a_period_has_steps_that_people_know_and_holds_now(past, key):
    found = period_of(key, past.home, 48)
    assert found.start <= time.time() < found.end
    assert 1 <= found.count <= 50
    assert found.start % found.step == 0
    assert not found.step_name.startswith("0")


def test_an_old_record_is_shown_whole_and_an_unknown_period_refused(past):
    version = past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    past.called(version, "lens", "look", 1.0e9, 5.0)
    past.called(version, "lens", "look", 1.0e9 + 9e7, 5.0)
    past.write_calls()
    found = period_of("", past.home, 48)
    assert found.key == "all"
    assert found.start <= 1.0e9
    assert found.end > 1.0e9 + 9e7
    assert found.count <= 50
    with pytest.raises(UsageError):
        period_of("1y", past.home, 48)


def test_calls_are_counted_where_they_began(past):
    version = past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    for at, status in (
        (99.9, "completed"),
        (100.0, "completed"),
        (109.9, "timeout"),
        (110.0, "completed"),
        (130.0, "x"),
    ):
        past.called(version, "lens", "look", at, at, status=status)
    past.called(version, "lens", "look", 105.0, 1.0, origin="cli")
    past.write_calls()
    found = [(b.number, b.calls, b.successes) for b in call_bins(past.home, 100.0, 10.0, 3)]
    assert found == [(0, 2, 1), (1, 1, 1)]
    assert [p.at for p in call_points(past.home, "lens", "look", 100.0, 130.0, 2)] == [109.9, 110.0]


def test_every_step_is_there_with_its_percentiles():
    points = [Point(7200.0 + i, float(i + 1), "completed" if i else "crashed") for i in range(100)]
    steps = buckets(points, HOUR)
    assert len(steps) == 12
    assert steps[0] == (7200.0, 100, 99, 50.0, 95.0)
    assert steps[1][1:] == (0, 0, None, None)
    assert buckets([Point(0.0, 1.0, "completed"), Point(1e12, 1.0, "completed")], HOUR)[0][1] == 0


@pytest.mark.parametrize("counts", [[], [(0, 0)] * 12, [(1, 0)] + [(0, 0)] * 11, [(10**9, 1)] * 12])
def test_charts_of_little_and_much_have_a_title_and_numbers_only(counts):
    picture = str(activity("a", counts, HOUR))
    assert "<title" in picture
    assert "nan" not in picture
    assert "inf" not in picture
    assert "<svg" in str(spark("s", [c for c, _ in counts], EVIL))
    assert "<script" not in str(spark("s", [1], EVIL))


def test_durations_of_nothing_one_and_zero_can_be_drawn():
    for points in ([], [Point(7200.0, 0.0, "completed")], [Point(7200.0, 1e-9, "x"), Point(9000.0, 1e9, "x")]):
        picture = str(durations("d", buckets(points, HOUR), HOUR))
        assert "nan" not in picture
        assert picture.count('class="mark') == 2 * len(points)


def test_a_difference_names_what_was_added_removed_and_changed():
    old = {"a": b"one\ntwo\n", "b": b"x", "same": b"s", "bin": b"\0", "long": None}
    new = {"a": b"one\n\xe2\x80\xaethree\n", "c": b"y", "same": b"s", "bin": b"\0\1", "long": None}
    found = {d.path: d for d in diff(old, new, Dashboard())}
    assert {p: d.kind for p, d in found.items()} == {
        "a": "changed", "b": "removed", "c": "added", "bin": "changed", "long": "changed"
    }  # fmt: skip
    assert ("del", "two") in found["a"].lines
    assert ("add", "<U+202E>three") in found["a"].lines
    assert found["bin"].note == "not a text"
    assert "too long" in found["long"].note


def test_a_difference_has_bounds():
    old = {f"f{i}": b"" for i in range(4)}
    new = {f"f{i}": b"line\n" * 100 for i in range(4)}
    found = diff(old, new, Dashboard(diff_lines=150))
    assert sum(len(d.lines) for d in found) == 150
    assert "more lines are left out" in found[1].note
    assert "left out" in found[2].note


def test_words_for_times():
    assert [ago(1000.0 - s, 1000.0) for s in (0, 89, 91)] == ["0 s ago", "89 s ago", "2 min ago"]
    assert ago(None) == ago(0.0) == clock(None) == clock(1e300) == milliseconds(None) == "–"
    assert [milliseconds(v) for v in (0.1234, 999.0, 12345.0)] == ["0.123 ms", "999 ms", "12.3 s"]


def test_metrics_are_well_formed_whatever_tools_are_called(past: Past):
    version = past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    for name, status in (("look", "completed"), ("look", "timeout"), ('a"b\\c\nd', "completed"), (EVIL, EVIL)):
        past.called(version, "lens", name, time.time(), 30.0, status=status)
    past.write_calls()
    text = exposition(past.home, past.policy)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in lines:
        name, _, value = line.rpartition(" ")
        float(value)
        assert name.startswith("harnessgym_")
    assert 'harnessgym_calls_total{artifact="lens",tool="look",status="timeout"} 1' in lines
    assert 'tool="a\\"b\\\\c\\nd"' in text
    assert 'harnessgym_call_duration_seconds_bucket{artifact="lens",tool="look",le="0.025"} 0' in lines
    assert 'harnessgym_call_duration_seconds_bucket{artifact="lens",tool="look",le="0.05"} 2' in lines
    assert 'harnessgym_call_duration_seconds_bucket{artifact="lens",tool="look",le="+Inf"} 2' in lines
    assert 'harnessgym_call_duration_seconds_sum{artifact="lens",tool="look"} 0.06' in lines
    assert len([n for n in lines if n.startswith("harnessgym_artifacts")]) == 2
