"""The doctor finds what is amiss, says what to do, changes nothing and never hangs."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.processes import start_time
from harnessgym_mcp.proc.tags import TAG, family_of, pid_namespace
from harnessgym_mcp.server.doctor_checks import CHECKS as MACHINE
from harnessgym_mcp.server.doctor_finding import Context
from harnessgym_mcp.server.doctor_isolation import remedy_for
from harnessgym_mcp.server.options import Options

CHECKS = [
    *("config", "python", "home", "state", "registry", "telemetry", "isolation", "uv", "search", "orphans", "clock"),
    *("disk", "client-claude", "client-codex", "client-cursor", "client-vscode", "client-gemini", "sample"),
]

HOME = ("--only", "home")


def examined(desk, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    code, body = desk.json("doctor", *words)
    assert body["schema"] == "harnessgym/doctor/1"
    return code, {check["id"]: check for check in body["checks"]}


def test_a_sound_machine_is_told_so_and_nothing_is_left_behind(desk):
    code, checks = examined(desk, "--set", "isolation.allow_unconfined=true")
    assert list(checks) == CHECKS
    assert {id: c["what"] for id, c in checks.items() if c["status"] == "fail"} == {}
    assert code == 0
    assert checks["sample"]["status"] == "ok"
    assert "called" in checks["sample"]["what"]
    assert list(desk.project.iterdir()) == []
    assert list(desk.home.iterdir()) == []


def test_text_shows_each_check_and_what_to_do(desk):
    desk.run("init")
    (desk.project / ".harnessgym" / "registry.json").write_text("{")
    code, out, _ = desk.run("doctor", "--only", "registry", "--only", "python")
    assert code == 4
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert "fail" in rows["registry"].split()
    assert "ok" in rows["python"].split()
    assert "what to do:\n  registry: " in out
    assert out.rstrip().endswith("something is wrong")


@pytest.mark.parametrize(
    ("name", "text", "check", "told"),
    [
        ("registry.json", b"{", "registry", "is damaged"),
        ("registry.json", b'{"schema": 999}', "registry", "newer HarnessGym"),
        ("telemetry.sqlite", b"no database " * 500, "telemetry", "cannot be read"),
        ("config.toml", b"[timeouts\n", "config", "config.toml:1"),
        ("config.toml", b"[timeouts]\nsall = 1\n", "config", "timeouts.sall"),
    ],
)
def test_what_is_damaged_is_found_and_left_as_it_is(desk, name, text, check, told):
    desk.run("init")
    path = desk.project / ".harnessgym" / name
    path.write_bytes(text)
    before = sorted(p.name for p in path.parent.iterdir())
    code, checks = examined(desk, *(word for id in CHECKS[:-1] for word in ("--only", id)))
    assert code == 4
    assert checks[check]["status"] == "fail"
    assert told in checks[check]["what"]
    assert checks[check]["remedy"]
    assert [id for id, c in checks.items() if c["status"] == "fail"] == [check]
    assert path.read_bytes() == text
    assert sorted(p.name for p in path.parent.iterdir()) == before


def test_a_foreign_database_is_no_record_of_calls(desk):
    desk.run("init")
    with sqlite3.connect(desk.project / ".harnessgym" / "telemetry.sqlite") as connection:
        connection.execute("CREATE TABLE calls (x)")
    connection.close()
    assert examined(desk, "--only", "telemetry")[1]["telemetry"]["status"] == "fail"


def test_a_home_that_cannot_be_written_is_found(desk):
    (desk.project / "file").write_text("")
    code, checks = examined(desk, *HOME, "--home", str(desk.project / "file" / "home"))
    assert code == 4
    assert checks["home"]["status"] == "fail"
    (desk.project / "link").symlink_to(desk.home)
    assert "symbolic link" in examined(desk, *HOME, "--home", str(desk.project / "link"))[1]["home"]["what"]


def test_a_full_disk_is_a_failure_and_a_nearly_full_one_a_warning(desk):
    assert examined(desk, "--only", "disk", "--set", "doctor.free_mb=1000000000")[1]["disk"]["status"] == "warn"
    code, checks = examined(desk, "--only", "disk", "--set", "doctor.free_least_mb=1000000000")
    assert (code, checks["disk"]["status"]) == (4, "fail")


def test_a_record_from_the_future_tells_of_a_wrong_clock(desk):
    desk.run("init")
    from harnessgym_mcp.store.calls_table import COLUMNS, insert, migrate

    connection = sqlite3.connect(desk.project / ".harnessgym" / "telemetry.sqlite", isolation_level=None)
    migrate(connection)
    values = dict.fromkeys(COLUMNS, "") | {"id": "1", "at": time.time() + 3600, "duration_ms": 1.0}
    insert(connection, [tuple(values[c] for c in COLUMNS)])
    connection.close()
    clock = examined(desk, "--only", "clock")[1]["clock"]
    assert clock["status"] == "warn"
    assert "in the future" in clock["what"]


# ---- clients


def test_a_client_is_found_with_its_version_and_how_it_is_connected(desk):
    desk.program("claude", "#!/bin/sh\necho '9.8.7 (Claude Code)'\n")
    absent = examined(desk, "--only", "client-claude")[1]["client-claude"]
    assert absent["status"] == "skipped"
    assert "9.8.7" in absent["what"]
    assert absent["remedy"] == "`harnessgym connect claude`"
    desk.run("connect", "claude", "--ask")
    connected = examined(desk, "--only", "client-claude")[1]["client-claude"]
    assert connected["status"] == "ok"
    assert "connected (project" in connected["what"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda entry: entry.update(command="/nowhere/harnessgym"), "cannot be run"),
        (lambda entry: entry.update(args=["list"]), "do not say `serve`"),
        (lambda entry: entry["args"].__setitem__(entry["args"].index("--workspace") + 1, "/gone"), "is not a folder"),
        (lambda entry: entry.update(timeout=5), "timeout is not"),
    ],
)
def test_a_wrong_connection_is_told_with_the_command_that_mends_it(desk, change, told):
    desk.run("connect", "claude")
    path = desk.project / ".mcp.json"
    value = json.loads(path.read_text())
    change(value["mcpServers"]["harnessgym"])
    path.write_text(json.dumps(value))
    check = examined(desk, "--only", "client-claude")[1]["client-claude"]
    assert check["status"] == "warn"
    assert told in check["what"]
    assert check["remedy"] == "`harnessgym connect claude --scope project`"


def test_more_patience_than_asked_for_is_no_fault(desk):
    desk.run("connect", "codex")
    path = desk.project / ".codex" / "config.toml"
    path.write_text(path.read_text().replace("tool_timeout_sec = 300", "tool_timeout_sec = 9000"))
    assert examined(desk, "--only", "client-codex")[1]["client-codex"]["status"] == "ok"


def test_a_broken_config_of_a_client_is_told(desk):
    (desk.project / ".mcp.json").write_text("{")
    check = examined(desk, "--only", "client-claude")[1]["client-claude"]
    assert check["status"] == "warn"
    assert "repair" in check["remedy"]


def test_a_program_that_hangs_does_not_hold_the_doctor_up(desk):
    gate = desk.home / "gate"
    os.mkfifo(gate)
    desk.program("claude", f"#!/bin/sh\nread line < '{gate}'\n")
    began = time.monotonic()
    process = desk.spawn(
        "doctor",
        "--json",
        "--only",
        "client-claude",
        "--set",
        "doctor.version=60",
        "--set",
        "doctor.check=3",
        stdout=subprocess.PIPE,
    )
    out, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 40
    os.close(os.open(gate, os.O_WRONLY))  # lets the hanging program end
    hung = next(c for c in json.loads(out)["checks"] if c["id"] == "client-claude")
    assert (process.returncode, hung["status"], hung["what"]) == (4, "fail", "no answer within 3 s")
    slow = desk.spawn(
        "doctor", "--json", "--only", "client-claude", "--set", "doctor.version=0.3", stdout=subprocess.PIPE
    )
    out, _ = slow.communicate(timeout=60)
    assert next(c for c in json.loads(out)["checks"] if c["id"] == "client-claude")["status"] == "skipped"


def test_a_check_that_is_not_there_is_told(desk):
    code, _, err = desk.run("doctor", "--only", "horoscope")
    assert code == 2
    assert "isolation" in err


# ---- what crashed sessions leave


@contextlib.contextmanager
def orphan(state):
    """A process that carries the tag of a dead front with this state folder."""
    front = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    tag = f"{pid_namespace()}.{int(front.stdout)}.{start_time(os.getpid()) - 1}.{family_of(state)}.feed"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        argv = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
        process = subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, env={**os.environ, TAG: tag})
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()
            process.communicate()


def test_orphans_are_found_and_left_alone(desk):
    options = Options(workspace=desk.project)
    home, policy = options.open(create=False)
    with orphan(home.state) as process:
        found = MACHINE["orphans"](Context(options, home, policy, os.environ))
        assert process.poll() is None
    assert found.status == "warn"
    assert process.pid in found.details["processes"]
    assert "--fix" in found.remedy


def test_orphans_are_ended_when_asked(desk):
    with orphan(Options(workspace=desk.project).open(create=False)[0].state) as process:
        desk.run("doctor", "--fix", "--only", "python")
        assert process.wait(30) == -signal.SIGKILL


# ---- the sandbox


def test_a_tier_that_does_not_work_here_is_a_failure_with_its_reason(desk):
    code, checks = examined(desk, "--only", "isolation", "--set", "isolation.tier=C")
    assert code == 4
    assert checks["isolation"]["status"] == "fail"


def test_no_sandbox_at_all_is_a_failure_unless_policy_allows_it(desk):
    assert examined(desk, "--only", "isolation", "--set", "isolation.tier=D")[1]["isolation"]["status"] == "fail"
    allowed = examined(desk, "--set", "isolation.tier=D", "--set", "isolation.allow_unconfined=true")[1]
    assert allowed["isolation"]["status"] == "warn"
    assert allowed["sample"]["status"] == "ok"


@pytest.mark.parametrize("tier", ["A", "B"])
def test_a_confined_tier_tells_what_is_in_force(desk, tier):
    check = examined(desk, "--only", "isolation", "--set", f"isolation.tier={tier}")[1]["isolation"]
    if check["status"] == "fail":
        pytest.skip(f"tier {tier} does not work on this machine: {check['what']}")
    report = check["details"]
    assert report["tier"] == tier
    assert IsolationReport(tier=tier, mechanism="", in_force=report["in_force"]).confined
    assert all(name in check["what"] for name in report["missing"])


def test_a_missing_package_has_its_remedy():
    assert "apt install bubblewrap" in remedy_for("bubblewrap is not installed")
    assert remedy_for("bwrap: No permissions to create new namespace")
    assert remedy_for("") == ""
