"""What the pages say of an empty home, a lively one and a hostile one."""

import html
import json
import re
import time

import pytest
from world import tool

from harnessgym_mcp.core.iteration import Iteration

PAGES = ("/", "/live", "/tools", "/quarantine", "/iterations", "/runs")


def text_of(page: str) -> str:
    """What a reader sees: no markup, white space folded."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_home_says_what_to_do_next(past, start, path):
    page = start(past).page(path)
    assert 'class="empty"' in page
    assert "harnessgym" in text_of(page.split('class="empty"', 1)[1]).lower()


def test_a_folder_without_a_harness_is_left_without_one(past, start, tmp_path):
    past.workspace = tmp_path / "bare"
    past.workspace.mkdir()
    board = start(past)
    for path in PAGES:
        board.page(path)
    assert list(past.workspace.iterdir()) == []


def test_the_overview_tells_what_is_well_and_what_is_not(furnished, start):
    page = text_of(start(furnished).page("/"))
    assert "Artifacts mounted 3" in page
    assert "Quarantined 1" in page
    assert "never used: remarks" in page


def test_what_waits_or_is_wrong_is_told(past, start):
    version = past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    (past.home.root / "generated" / "lens" / "server.py").write_text("changed by hand")
    past.publish("gone", "0.1.0", [tool("look", "It looks.")])
    for path in (past.home.root / "generated" / "gone").iterdir():
        path.unlink()
    (past.home.root / "generated" / "gone").rmdir()
    for _ in range(4):
        past.called(version, "lens", "look", time.time(), 3.0, status="crashed")
    past.write_calls()
    board = start(past)
    page = text_of(board.page("/"))
    assert "its files were changed" in page
    assert "generated/gone is gone" in page
    assert "Artifacts mounted 0 of 2" in page


def test_a_tool_that_crashes_again_and_again_is_failing(past, start):
    version = past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    for status in ("completed", "crashed", "timeout", "crashed"):
        past.called(version, "lens", "look", time.time(), 3.0, status=status, error="it fell over")
    past.write_calls()
    board = start(past)
    assert "3 of its last 4 calls got no proper answer" in text_of(board.page("/"))
    page = text_of(board.page("/tool?artifact=lens&name=look"))
    assert "it fell over" in page


def test_a_tool_is_shown_over_time_with_its_numbers_in_a_table(furnished, start):
    board = start(furnished)
    page = board.page("/tool?artifact=asm-lens&name=compile&range=7d")
    assert page.count("<svg") >= 2
    assert "95th percentile" in page
    assert "former" not in text_of(page).split("By version")[0]
    shown = text_of(board.page("/tools?range=all"))
    assert "asm-lens compile" in shown
    assert {"420", "160"} <= set(shown.split()), "versions are counted apart"


def test_evidence_shows_findings_with_fix_and_call(furnished, start):
    board = start(furnished)
    address = re.search(r'href="(/quarantine/heldout-eval/\w+)"', board.page("/quarantine"))
    assert address is not None
    page = text_of(board.page(address[1]))
    for words in ("selftest.vacuous", "Fix expect a value", '"mode": "dev"', "server.py:41", "tier A, bubblewrap"):
        assert words in page
    assert "server.py" in page.split("Files kept")[1]


def test_versions_are_compared_line_by_line(furnished, start):
    page = start(furnished).page("/artifacts/asm-lens")
    assert 'tool remarks</span> <span class="soft">added' in page
    assert '<span class="unseen">removed</span>' in page
    assert "Compile a function with given flags" in html.unescape(page)


def test_a_prediction_stands_beside_what_was_measured(furnished, start):
    page = text_of(start(furnished).page("/iterations"))
    assert "cycles down, 10%" in page
    assert "as predicted cycles" in page
    assert "lower" in page


def test_a_comparison_has_the_reports_verdict_charts_and_tables(furnished, start):
    page = start(furnished).page("/runs/2026-11-20-kernels")
    assert 'class="verdict good"' in page
    assert page.count("<figure>") >= 5
    assert "Every trial" in page


def test_a_comparison_that_lies_in_the_workspace_is_found(past, start):
    past.compared("out", 0.1, ["lens"], title="In the workspace")
    (past.home.runs / "out").rename(past.workspace / "out")
    (past.workspace / "out" / "plan.json").write_text("{}")
    board = start(past)
    assert "In the workspace" in text_of(board.page("/runs"))
    assert "In the workspace" in text_of(board.page("/runs/out"))


def test_a_run_is_shown_finished_under_way_and_as_far_as_it_can_be_read(past, start):
    steps = [
        {"number": n, "attempt": {"status": "ok", "seconds": 61.0, "calls": [{"tool": "lens__look", "calls": 3}]},
         "score": {"score": score, "passed": True}, "built": {"name": "lens", "state": "qualified", "rejections": [[]]}}
        for n, score in ((1, 191.2), (2, 144.5))
    ]  # fmt: skip
    report = {"schema": "harnessgym/run/1", "status": "improved", "finding": "24% less than untouched",
              "scores": {"baseline": 200.0, "best": 144.5, "direction": "lower"}, "iterations": steps}  # fmt: skip
    files = {
        "done": ("report.json", json.dumps(report)),
        "going": ("state.json", json.dumps({"id": "going", "phase": "build", "iterations": steps[:1]})),
        "odd": (
            "report.json",
            json.dumps(
                {
                    "schema": "harnessgym/run/1",
                    "iterations": [1, {"score": {"score": True}}, {"attempt": []}],
                    "scores": 4,
                }
            ),
        ),
        "torn": ("state.json", "{"),
    }
    for name, (file, data) in files.items():
        (past.home.runs / name).mkdir()
        (past.home.runs / name / file).write_text(data)
    (past.home.runs / "bare").mkdir()
    past.iterated(Iteration(id="i-1", session="i", name="lens", run="done", step="1", state="qualified"))
    board = start(past)
    listed = text_of(board.page("/runs"))
    for words in ("▲ improved", "under way: build", "is not JSON", "no report and no record yet", "on record"):
        assert words in listed
    page = board.page("/runs/done")
    assert "<svg" in page
    for words in ("24% less than untouched", "untouched workspace: 200", "lens__look × 3", "after 1 rejected"):
        assert words in text_of(page)
    for name in ("going", "odd", "torn", "bare"):
        board.page(f"/runs/{name}")
    assert "seen once score 191.2, then 144.5" in text_of(board.page("/iterations"))


def hostile_pages(attacked):
    entry = attacked.stores.registry.load().quarantine[0]
    digest = entry.digest[7:19]
    return (*PAGES, "/artifacts/mean", f"/quarantine/mean/{digest}", "/tool?artifact=mean&name=look", "/runs/evil-run")


def test_hostile_text_is_inert_everywhere_and_shown_where_it_is_evidence(attacked, start):
    board = start(attacked)
    for path in hostile_pages(attacked):
        page = board.page(path)
        assert "<script>document" not in page, path
        assert "<img" not in page, path
        assert "1337" not in page, path
        assert "\u202e" not in page, path
        assert "\u200b" not in page, path
        assert re.findall(r'(?:href|action|src)="(?!/|\?|#main)', page) == [], path
        assert " style=" not in page, path
        assert re.findall(r" on[a-z]+=\"", re.sub(r">[^<]*<", "><", page)) == [], path
    assert "<U+202E>" in text_of(board.page("/artifacts/mean"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/artifacts/none", 404),
        ("/artifacts/asm-lens?from=1&to=2", 404),
        ("/artifacts/..%2f..", 404),
        ("/quarantine/asm-lens/..", 404),
        ("/runs/..", 404),
        ("/runs/%2e%2e", 404),
        ("/tool?artifact=x&name=y", 404),
        ("/tools?range=year", 400),
    ],
)
def test_a_wrong_address_is_answered_with_what_to_do(furnished, start, path, status):
    found, _, page = start(furnished).ask(path)
    assert found == status
    assert "To the overview" in page


def test_a_damaged_registry_is_told_not_thrown(past, start):
    past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    past.home.registry.write_text("{")
    assert "set aside" in text_of(start(past).page("/"))


def test_a_damaged_telemetry_file_is_told_not_thrown(past, start):
    past.home.telemetry.write_bytes(b"not a database at all" * 100)
    board = start(past)
    assert "cannot be read" in text_of(board.page("/"))
    assert "harnessgym_telemetry_up 0" in board.page("/metrics")
