"""`harnessgym run` as a command: what it prints, how it exits, what it refuses."""

import json
import subprocess
import sys

import pytest
from run_bench import Place, environment

SOLVE = """/bin/sh -c 'echo "{\\"value\\": 5}" > answer.json'"""


def harnessgym(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    argv = place.argv("--set", "agents.settle=0.1", "--set", "agents.grace=0.5", *words)
    return subprocess.run(argv, capture_output=True, text=True, timeout=100, env=environment(), cwd=place.folder)


def solving(place: Place, stop: str, *words: str) -> subprocess.CompletedProcess[str]:
    task = place.workspace / "TASK.md"
    task.write_text("Answer with 5.")
    score = ("--score-command", f"{sys.executable} verify.py", "--score-key", "value", "--stop-score", stop)
    return harnessgym(place, "--task", "TASK.md", "--run-id", "r1", "--agent-command", SOLVE, *score, *words)


def test_a_solved_run_exits_with_0_and_tells_each_phase_in_a_plain_line(place):
    done = solving(place, "5", "--budget", "1m,30s")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("run r1 in ")
    assert "attempt 1 begins, at most 1:00" in lines
    assert "score 1: passed, 5" in lines
    assert "solved by the attempt of iteration 1, best value 5" in lines
    assert "\x1b" not in done.stdout


def test_a_run_without_success_exits_with_13_and_one_json_object(place):
    done = solving(place, "6", "--iterations", "2", "--json")
    assert done.returncode == 13
    report = json.loads(done.stdout)
    assert (report["schema"], report["status"], len(report["iterations"])) == ("harnessgym/run/1", "not solved", 2)
    assert report["asked"]["task"] == "Answer with 5."
    assert "score 2: passed, 5" in done.stderr
    again = harnessgym(place, "--resume", "r1", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (13, report)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "a run needs one task"),
        (("--task-text", "x", "--task", "y"), 2, "a run needs one task"),
        (("--task", "missing.md", "--agent-command", "true"), 2, "there is no task file"),
        (("--task-text", "x"), 2, "which agent?"),
        (("--task-text", "x", "--agent-command", "true 'a"), 2, "cannot be read"),
        (("--task-text", "x", "--agent-command", "true", "--budget", "5x"), 2, "not a duration"),
        (("--task-text", "x", "--agent-command", "true", "--held-out", "."), 2, "score command"),
        (("--task-text", "x", "--agent-command", "true", "--run-id", "a/b"), 2, "no run id"),
        (("--resume", "nobody"), 3, "no run is called"),
        (("--resume", "r1", "--task-text", "x"), 2, "--task-text cannot be changed with --resume"),
        (("--resume", "r1", "--iterations", "9"), 2, "--iterations cannot be changed with --resume"),
        (("--resume", "r1", "--optimize"), 2, "--optimize cannot be changed with --resume"),
        (("--task-text", "x", "--agent-command", "no-such-program-here"), 1, "cannot be used"),
    ],
)
def test_what_cannot_be_is_told_with_its_code_and_a_hint(place, words, code, told):
    done = harnessgym(place, *words)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_policy_from_the_environment_reaches_the_servers_within_the_run(place):
    words = ["--task-text", "x", "--agent-command", "true", "--run-id", "r1", "--iterations", "1"]
    env = {**environment(), "HARNESSGYM_QUALIFY_REPAIRS": "5"}
    argv = place.argv(*words, "--set", "agents.settle=0.1", "--set", "qualify.at_once=2")
    subprocess.run(argv, capture_output=True, timeout=100, env=env, check=False)
    settings = json.loads((place.home.runs / "r1" / "settings.json").read_text())
    assert settings["flags"]["qualify.repairs"] == "5"
    assert settings["flags"]["qualify.at_once"] == "2"
