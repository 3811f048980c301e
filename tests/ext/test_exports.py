"""The record of calls goes out, comes in from elsewhere, and is let go of when it is old."""

import io
import json
import subprocess
import sys

import pytest
from collecting import FIRST, call

from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.errors import CorruptError, NotFoundError, StateError
from harnessgym_mcp.ext.exports import export, merge, retain
from harnessgym_mcp.store.callstats import recent_calls

POLICY = Telemetry(batch=7)  # small, so that batches matter


def exported(home, form, path):
    with path.open("wb") as file:
        return export(home, file, form, POLICY)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_what_goes_out_and_comes_in_elsewhere_is_the_same_and_only_once(make_home, tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    odd = call(tool='"\u202e\n', error="é" * 300, labels='{"run": "r"}', arguments='{"a": 1}')
    laptop = make_home("laptop", *(call(at=1.8e9 + i) for i in range(20)), odd)
    server = make_home("server", call(tool="own"))
    file = tmp_path / "calls"
    assert exported(laptop, form, file) == 21
    (first,) = merge(server, [file], POLICY)
    assert (first.rows, first.added, first.refused) == (21, 21, 0)
    (again,) = merge(server, [file], POLICY)
    assert (again.rows, again.added) == (21, 0)
    there = {c["id"]: c for c in recent_calls(server, 100)}
    assert len(there) == 22
    assert all(there[c["id"]] == c for c in recent_calls(laptop, 100))


def test_another_homes_file_is_taken_in_as_it_is(make_home):
    laptop, server = make_home("laptop", call(), call(tool="see")), make_home("server")
    (found,) = merge(server, [laptop.telemetry], POLICY)
    assert (found.rows, found.added) == (2, 2)


def test_lines_that_are_no_calls_are_counted_and_the_rest_is_kept(make_home, tmp_path):
    home = make_home("home")
    good = {"id": "x-1", "at": 1.0, "artifact": "lens", "tool": "look", "status": "completed"}
    lines = ["{", "[]", "null", json.dumps({"id": "x-0"}), json.dumps({"id": 7, "at": 1.0}), "\udce9", json.dumps(good)]
    lines.append(json.dumps(good | {"id": "x-2", "duration_ms": "long", "argument_bytes": 10**30, "unknown": 1}))
    file = tmp_path / "calls.jsonl"
    file.write_text("\n".join(lines) + "\n", "utf-8", "surrogateescape")
    (found,) = merge(home, [file], POLICY)
    assert (found.rows, found.added, found.refused) == (8, 2, 6)
    assert recent_calls(home, 10)[1]["argument_bytes"] == 2**62


def test_a_damaged_or_missing_file_is_told(make_home, tmp_path):
    home = make_home("home")
    for name, data in (
        ("bad.parquet", b"PAR1 nothing of the kind"),
        ("bad.sqlite", b"SQLite format 3\x00" + b"\0" * 99),
    ):
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow")
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CorruptError):
            merge(home, [tmp_path / name], POLICY)
    with pytest.raises(NotFoundError):
        merge(home, [tmp_path / "none"], POLICY)


def test_nothing_goes_unless_it_is_meant(make_home):
    home = make_home("home", *(call(at=float(day * 86_400)) for day in range(1, 11)))
    now = 11.0 * 86_400
    seen = retain(home, 3, POLICY, do=False, now=now)
    assert (seen.old, seen.total, seen.done) == (7, 10, False)
    assert len(recent_calls(home, 100)) == 10
    assert retain(home, 3, POLICY, do=True, now=now).old == 7
    assert [c["at"] / 86_400 for c in recent_calls(home, 100)] == [8, 9, 10]
    assert retain(make_home("empty"), 3, POLICY, do=True).old == 0


def test_a_damaged_record_is_told_and_left_alone(make_home):
    home = make_home("home")
    home.telemetry.write_bytes(b"no database" * 500)
    with pytest.raises(StateError):
        export(home, io.BytesIO(), "jsonl", POLICY)
    with pytest.raises(StateError):
        retain(home, 1, POLICY, do=True)
    assert home.telemetry.read_bytes().startswith(b"no database")


def test_without_pyarrow_parquet_says_what_to_install(make_home, tmp_path):
    home = make_home("home", call())
    (tmp_path / "pyarrow.py").write_text("raise ImportError('not here')\n")  # stands where the package would
    code = f"{FIRST}; sys.exit(main(sys.argv[2:]))"
    where = ["--workspace", str(home.workspace), "--state", str(home.state), "-o", str(tmp_path / "out")]
    argv = [sys.executable, "-c", code, str(tmp_path), "telemetry", "export", "--format", "parquet", *where]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "harnessgym-mcp[parquet]" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_exports_merges_and_thins_out(make_home, tmp_path):
    laptop, server = make_home("laptop", call(at=86_400.0), call(at=9e9)), make_home("server")

    def run(home, *words):
        argv = [sys.executable, "-m", "harnessgym_mcp", "telemetry", *words, "--workspace", str(home.workspace)]
        done = subprocess.run([*argv, "--state", str(home.state)], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    code, lines, _ = run(laptop, "export")
    assert (code, len(lines.splitlines())) == (0, 2)
    (tmp_path / "calls.jsonl").write_text(lines)
    code, told, _ = run(server, "merge", str(tmp_path / "calls.jsonl"), "--json")
    assert (code, json.loads(told)["files"][0]["added"]) == (0, 2)
    code, told, _ = run(server, "retention", "--days", "30")
    assert (code, "would go" in told) == (0, True)
    assert len(recent_calls(server, 10)) == 2
    code, told, _ = run(server, "retention", "--days", "30", "--yes", "--json")
    assert (code, json.loads(told)["old"], len(recent_calls(server, 10))) == (0, 1, 1)
    assert run(server, "merge")[0] == 2
    assert run(server, "retention", "--days", "0")[0] == 2
