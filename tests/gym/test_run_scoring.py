"""The independent check: strict about what it reads, alone with what it checks, and nothing left behind."""

import os
from pathlib import Path

import pytest

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.gym.scoring import Scorer, check_scorer, lay_over, score, scoring_copy

POLICY = Policy().override({"agents.settle": 0.1, "agents.grace": 0.2, "loop.score_bytes": 1000})


@pytest.fixture
def scored(tmp_path: Path):
    """`await scored(COMMAND)`: its score in a folder of its own."""

    async def run(command: str, seconds: float = 20.0, key: str = "ms"):
        (tmp_path / "w").mkdir(exist_ok=True)
        return await score(Scorer(command=command, seconds=seconds, key=key), tmp_path / "w", tmp_path / "logs", POLICY)

    return run


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ('{"ms": 4.5}', 4.5),
        ('{"score": 2}', 2.0),
        ('{"metrics": {"ms": "7"}, "status": "ok"}', 7.0),
        ('{"status": "passed"}', None),
    ],
)
async def test_a_valid_result_is_read(scored, said, value):
    found = await scored(f"echo '{said}'")
    assert (found.passed, found.score, found.cause) == (True, value, "")


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("echo '{\"ms\": 1}'; exit 3", "verifier_failed"),
        ('echo \'{"ms": 1, "status": "failed"}\'', "verifier_failed"),
        ("echo '{\"ms\": NaN}'", "verifier_output"),
        ("echo '{\"ms\": true}'", "verifier_output"),
        ("echo noise; echo '{\"ms\": 1}'", "verifier_output"),
        ("head -c 2000 /dev/zero | tr '\\0' ' '; echo '{\"ms\": 1}'", "verifier_output"),
        ("kill -9 $$", "verifier_failed"),
    ],
)
async def test_a_failed_check_has_no_score(scored, command, cause):
    found = await scored(command)
    assert (found.passed, found.score, found.cause) == (False, None, cause)
    assert found.message


async def test_a_check_out_of_time_is_ended_with_all_that_it_started(scored, tmp_path):
    found = await scored("sleep 1000 & echo $! > pid; setsid sleep 1000 & echo '{\"ms\": 1}'; wait", seconds=1.0)
    assert (found.passed, found.score, found.cause) == (False, None, "verifier_timed_out")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "w" / "pid").read_text()), 0)


async def test_the_checks_environment_holds_no_credentials(scored, monkeypatch, tmp_path):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-000000000000")
    found = await scored('env > seen; echo "{\\"ms\\": ${ANTHROPIC_API_KEY:-1}}"')
    assert found.score == 1.0
    assert f"HARNESSGYM_WORKSPACE={tmp_path / 'w'}" in (tmp_path / "w" / "seen").read_text()


def test_held_out_files_replace_what_lies_in_their_place(tmp_path):
    held, outside = tmp_path / "held", tmp_path / "outside"
    (held / "cases").mkdir(parents=True)
    (held / "cases/one.json").write_text("true case")
    (held / "verify.py").write_text("true check")
    outside.mkdir()

    def unfold(copy: Path) -> None:
        copy.mkdir()
        (copy / "verify.py").mkdir()
        (copy / "verify.py/x").write_text("in the way")
        (copy / "cases").symlink_to(outside)
        (copy / "answer").write_text("kept")

    with scoring_copy(str(held), unfold) as copy:
        assert (copy / "verify.py").read_text() == "true check"
        assert (copy / "cases/one.json").read_text() == "true case"
        assert (copy / "answer").read_text() == "kept"
    assert not copy.exists()
    assert list(outside.iterdir()) == []


def test_a_link_in_a_held_out_files_place_is_not_written_through(tmp_path):
    (tmp_path / "held").mkdir()
    (tmp_path / "held/a").write_text("new")
    (tmp_path / "copy").mkdir()
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "copy/a").symlink_to(tmp_path / "victim")
    lay_over(tmp_path / "held", tmp_path / "copy")
    assert (tmp_path / "victim").read_text() == "untouched"
    assert (tmp_path / "copy/a").read_text() == "new"


@pytest.mark.parametrize(("command", "held_out"), [(" ", ""), ("x", "missing"), ("x", "w/inside"), ("x", ".")])
def test_a_check_that_cannot_be_independent_is_refused(tmp_path, command, held_out):
    (tmp_path / "w/inside").mkdir(parents=True)
    path = str(tmp_path / held_out) if held_out else ""
    with pytest.raises(UsageError):
        check_scorer(Scorer(command=command, seconds=1.0, held_out=path), tmp_path / "w")
