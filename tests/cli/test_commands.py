"""The command line: each command's JSON, its exit code, and a hint instead of a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harnessgym_mcp.cli.main import main
from harnessgym_mcp.cli.parser import COMMANDS, build
from harnessgym_mcp.qualify.scaffold import scaffold


class Shell:
    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "w"
        self.workspace.mkdir()
        self.where = ["--workspace", str(self.workspace), "--state", str(folder / "state")]

    def run(self, command, *more, stdin=""):
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "PYTHONPATH")}
        argv = [sys.executable, "-m", "harnessgym_mcp", command, *more, *self.where]
        return subprocess.run(argv, capture_output=True, text=True, timeout=100, env=env, input=stdin)

    def json(self, command, *more):
        done = self.run(command, "--json", *more)
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout)

    def draft(self, name, **replace):
        folder = self.workspace / name
        for path, text in scaffold(name).items():
            for old, new in replace.items():
                text = text.replace(old, new)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return str(folder)


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.fixture
def filled(shell):
    code, verdict = shell.json("submit", shell.draft("tool-a"))
    assert (code, verdict["status"]) == (0, "qualified"), verdict
    return shell


def test_a_submission_is_listed_shown_and_called(filled):
    assert filled.json("list")[1]["artifacts"][0]["tools"] == ["tool-a__example"]
    code, shown = filled.json("show", "tool-a")
    assert code == 0
    assert shown["verdict"]["status"] == "qualified"
    code, called = filled.json("call", "tool-a__example", "--arguments", '{"values": [20, 22]}')
    assert (code, called["status"]) == (0, "completed")
    assert "42" in called["result"]["content"][0]["text"]
    assert [(c["tool"], c["origin"]) for c in filled.json("calls")[1]["calls"]] == [("example", "cli")]


def test_a_call_ends_when_its_time_is_over(shell):
    pause = "    if values == [13]:\n        sys.stdin.read()\n    return {"
    code, verdict = shell.json("submit", shell.draft("slow", **{'    return {"total"': f'{pause}"total"'}))
    assert (code, verdict["status"]) == (0, "qualified"), verdict
    done = shell.run("call", "slow__example", "--arguments", '{"values": [13]}', "--timeout", "1s")
    assert done.returncode not in (0, 2)
    assert "no answer from slow within 1 s" in done.stderr
    assert [c["status"] for c in shell.json("calls")[1]["calls"]] == ["timeout"]
    assert shell.run("call", "slow__example", "--timeout", "soon").returncode == 2


def test_a_tool_error_is_exit_1_and_still_on_record(filled):
    code, called = filled.json("call", "tool-a__example")
    assert (code, called["status"]) == (1, "tool_error")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_rejection_is_exit_10_with_findings_and_evidence(shell, form):
    draft = shell.draft("bad", **{"sys.stdout.flush()": 'print("x", flush=True)'})
    if form == "json":
        code, verdict = shell.json("submit", draft)
        assert (code, verdict["status"]) == (10, "rejected")
        assert {"findings", "stages", "isolation", "digest"} <= set(verdict)
        assert Path(verdict["evidence"]).is_dir()
        assert shell.json("show", "bad")[1]["status"] == "quarantined"
    else:
        done = shell.run("submit", draft)
        assert done.returncode == 10
        assert "fix:" in done.stdout


def test_a_verdict_alone_publishes_nothing(shell):
    code, verdict = shell.json("qualify", shell.draft("only"))
    assert (code, verdict["status"], verdict["schema"]) == (0, "qualified", "harnessgym/verdict/1")
    assert shell.json("list")[1]["artifacts"] == []


def test_archive_restore_rollback_and_requalify(filled):
    assert filled.json("archive", "tool-a")[1]["status"] == "archived"
    assert filled.json("list")[1]["artifacts"] == []
    assert filled.json("restore", "tool-a")[1]["status"] == "active"
    second = filled.draft("tool-a", **{"gives the total": "gives THE total"})
    assert filled.json("submit", second)[0] == 0
    first = filled.json("show", "tool-a")[1]["versions"][0]["digest"]
    assert filled.json("rollback", "tool-a")[1]["digest"] == first
    code, again = filled.json("requalify")
    assert (code, again["artifacts"][0]["status"]) == (0, "qualified")


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["show", "nothing"], 3, "not-found"),
        (["rollback", "nothing"], 3, "not-found"),
        (["call", "no__tool"], 3, "not-found"),
        (["call", "no__tool", "--arguments", "{"], 2, "usage"),
        (["call", "no__tool", "--arguments", "[" * 100_000], 2, "usage"),
        (["submit", "/nowhere"], 3, "not-found"),
        (["list", "--home", ""], 2, "usage"),
        (["serve", "--transport", "http", "--port", "99999"], 4, "state"),
        (["dashboard", "--no-open", "--port", "99999"], 4, "state"),
        (["list", "--set", "limits.list_page=" + "9" * 5000], 2, "policy"),
        (["list", "--set", "no.such=1"], 2, "policy"),
        (["list", "--set", "timeouts.call=soon"], 2, "policy"),
        (["list", "--set", "nonsense"], 2, "usage"),
        (["stats", "--since", "someday"], 2, "usage"),
        (["requalify", "nothing"], 3, "not-found"),
    ],
)
def test_bad_input_gets_a_code_a_message_and_a_hint(shell, words, code, error):
    got, body = shell.json(words[0], *words[1:])
    assert (got, body["error"]["code"]) == (code, error)
    assert body["error"]["message"]


def test_a_workspace_that_is_no_folder_is_refused(tmp_path, capsys):
    assert main(["list", "--workspace", str(tmp_path / "no")]) == 2
    assert "hint" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--workspace" in capsys.readouterr().out


def test_the_whole_parser_knows_every_command():
    text = build().format_help()
    assert all(command in text for command in COMMANDS)


def test_policy_shows_where_each_setting_comes_from(shell):
    (shell.workspace / ".harnessgym").mkdir()
    (shell.workspace / ".harnessgym" / "config.toml").write_text("[qualify]\nrepairs = 5\n")
    shown = shell.json("config", "--set", "timeouts.call=12")[1]["settings"]
    origins = {s["setting"]: (s["value"], s["origin"]) for s in shown}
    assert origins["timeouts.call"] == (12.0, "flag")
    assert origins["qualify.repairs"] == (5, "config.toml")
    assert origins["qualify.require_slot"] == (True, "default")


def test_the_demo_plays_the_whole_loop(shell, tmp_path):
    done = shell.run("demo", "--json", "--folder", str(tmp_path / "demo"))
    result = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert result["cost_with_tool"] < result["cost_by_hand"]
    assert "footprint.stray-stdout" in result["rejected_for"]
    assert [(c["tool"], c["successes"]) for c in result["calls"]] == [("sweep", 1)]
    assert "script, not a model" in done.stderr
