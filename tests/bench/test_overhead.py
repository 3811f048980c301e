"""The benchmark's parts run and give the figures that they document; how large those are is nobody's business here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / "docs" / "measured" / "overhead.json"
PAGE = ROOT / "docs" / "performance.md"
STDIO = {"direct", "bare relay", "ours", "ours, plain asyncio"}


def overhead(*arguments, field="nowhere"):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.overhead", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "HARNESSGYM_FIELD": field},
        timeout=110,
    )


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    done = overhead("--quick", "--json", field=str(tmp_path_factory.mktemp("nobody-installed")))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_run_is_described(figures):
    run = figures["run"]
    assert set(run) == {"machine", "load", "versions", "calls", "quick", "seconds", "failed"}
    assert run["quick"] is True
    assert run["failed"] == {}
    assert len(run["load"]["begin"]) == len(run["load"]["end"]) == 3
    assert set(run["versions"].values()) == {"not installed"}


def test_latency_is_told_for_each_answer_and_arm(figures):
    for part in ("pinned", "latency"):
        assert list(figures[part]) == ["100 B text", "100 KB text", "1 MB text", "100 KB structured"]
    for row in (*figures["pinned"].values(), *figures["latency"].values()):
        assert set(row) == STDIO | {"ours, HTTP"}
        for arm in row.values():
            assert set(arm) == {"p50", "p95", "p99", "calls", "added_p50", "added_p99", "ratio", "between"}
            assert 0 < arm["p50"] <= arm["p95"] <= arm["p99"]
            assert arm["between"][0] <= arm["between"][1]
        assert row["direct"]["added_p50"] == 0


def test_throughput_is_told_for_one_mount_and_several_and_each_number_at_once(figures):
    assert list(figures["throughput"]) == ["1", "2"]
    for by_number in figures["throughput"].values():
        assert list(by_number) == ["1", "8", "32"]
        for row in by_number.values():
            assert set(row) == STDIO
            assert all(0 < arm["median"] <= arm["best"] for arm in row.values())


def test_start_and_memory_are_told_for_few_mounts_and_many(figures):
    listed = [row["mounts"] for row in figures["start"] if row["arm"] == "ours"]
    assert listed == [1, 3]
    assert all(0 < row["initialize_ms"] <= row["tools_list_ms"] for row in figures["start"])
    weighed = {(row["arm"], row["mounts"], row["running"]): row for row in figures["memory"]}
    assert set(weighed) == {("bare relay", 1, 1), ("ours", 1, 0), ("ours", 3, 0), ("ours", 2, 2)}
    assert weighed["ours", 3, 0]["processes"] == 1, "a listed server is not started"
    assert weighed["ours", 2, 2]["processes"] > 2
    assert all(row["front_pss_mb"] <= row["tree_pss_mb"] <= row["tree_rss_mb"] for row in weighed.values())


def test_stalls_are_told_of_a_slow_call_a_large_result_and_a_kill(figures):
    stalls = figures["stalls"]
    assert set(stalls["slow_call"]) == {"idle", "busy", "p99_ratio"}
    assert stalls["slow_call"]["busy"]["calls"] > 2
    assert set(stalls["large_result"]) == {"direct, two pipes", "direct, one pipe", "ours"}
    assert all(row["gap_ms"] > 0 for row in stalls["large_result"].values())
    assert set(stalls["kill"]) == {"answered_ms", "answered_worst_ms", "next_ms", "next_worst_ms", "kills"}


def test_what_the_record_takes_is_told(figures):
    assert len(figures["recording"]) == 2
    for row in figures["recording"].values():
        assert set(row) == {"ours", "ours, no record"}
        assert row["ours, no record"]["ratio"] == 1
        assert all(arm["during"] > 0 for arm in row.values())


def test_a_part_that_does_not_exist_is_refused_with_the_names_of_those_that_do():
    done = overhead("--only", "latency,speed")
    assert done.returncode == 2
    assert "no part is called speed; there are pinned, latency, throughput" in done.stderr


def test_the_page_has_the_tables_of_the_measured_run():
    done = overhead("--render", MEASURED, PAGE, "--check")
    assert done.returncode == 0, (
        "run python -m benchmarks.overhead --render docs/measured/overhead.json docs/performance.md"
    )


def test_a_page_with_other_figures_is_found_out_and_written_anew(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text().replace("| direct |", "| straight |"))
    assert overhead("--render", MEASURED, page, "--check").returncode == 1
    assert overhead("--render", MEASURED, page).returncode == 0
    assert page.read_text() == PAGE.read_text()


def test_a_page_without_a_place_for_the_tables_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no place\n")
    done = overhead("--render", MEASURED, page)
    assert done.returncode == 2
    assert "the page has no <!-- overhead -->" in done.stderr
    assert page.read_text() == "no place\n"
