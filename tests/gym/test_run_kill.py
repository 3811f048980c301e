"""A run that is killed, at any boundary or amid an attempt, and resumed comes to the end that it would have come to."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from run_bench import WHOLE, Place, environment, new_place

from harnessgym_mcp.core.run_report import RunReport

KILLER = Path(__file__).parent / "run_killer.py"
DEADLINE = 110
PHASES = (
    *("start 0", "baseline 0"),
    *(f"{phase} {n}" for n in (1, 2) for phase in ("prepare", "attempt", "score", "reflect", "build", "qualify")),
    *("restore 2", "verify 2"),
)


def drive(place: Place, script: Path, end: str) -> str:
    """The step at which it was killed, "" when it came to its end."""
    flags = [f"{key}={value}" for key, value in place.flags.items()]
    argv = [sys.executable, str(KILLER), str(place.folder), str(script), end, *flags]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE, env=environment())
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout.strip() if done.returncode else ""


def outcome(place: Place) -> dict:
    """All that a run is for; what merely tells that it was interrupted is left out."""
    report = msgspec.json.decode((place.home.runs / "r1" / "report.json").read_bytes(), type=RunReport)
    return {
        "files": place.files(),
        "said": (report.status, report.finding, report.exit_code, report.never_used),
        "scores": report.scores,
        "iterations": [
            (i.number, i.attempt.status, i.attempt.calls, i.score.score, i.built, i.offered) for i in report.iterations
        ],
        "tools": report.tools,
        "restored": (report.restored.iteration, report.restored.check.score),
        "registry": sorted(str(p.relative_to(place.folder)) for p in place.home.root.glob("generated/*/*")),
    }


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory) -> dict:
    """How it ends when nobody kills it."""
    place = new_place(tmp_path_factory.mktemp("unharmed"))
    assert drive(place, place.script(*WHOLE), "") == ""
    return outcome(place)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_every_boundary_it_ends_the_same(place, unharmed):
    """Each phase is killed when it has begun, again when it is done but that is not on disk yet, and when it is."""
    script = place.script(*WHOLE)
    for phase in PHASES:
        for end in ("begun", "ended, not kept", "ended"):
            assert drive(place, script, end) == f"{phase} {end}"
    assert drive(place, script, "") == ""
    assert outcome(place) == unharmed


BLOCKING = """
import json, os

async def play(session):
    gate = {gate!r}
    if session.phase != "attempt":
        return
    session.write("half.txt", "half done")
    session.write("answer.json", '{{"value": -1}}')
    if os.path.exists(gate):
        with open(gate, "w") as held:
            held.write(f"{{os.getpid()}}\\n")
            held.flush()
            await session.run("sleep 1000", timeout=1000)
    session.write("answer.json", json.dumps({{"value": 42, "saw": sorted(os.listdir("."))}}))
"""


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 130)])
def test_ended_amid_an_attempt_it_does_the_attempt_again_from_where_that_began(place, ending, code):
    gate = place.folder / "gate"
    os.mkfifo(gate)
    script = place.script(text=BLOCKING.format(gate=str(gate)))
    argv = place.argv(
        *("--task-text", "t", "--run-id", "r1", "--iterations", "1", "--agent", "scripted"),
        *("--agent-script", str(script), "--score-command", f"{sys.executable} verify.py", "--score-key", "value"),
        *("--set", "agents.settle=0.1", "--set", "agents.grace=0.5"),
    )
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=environment())
    with open(gate) as held:
        agent = int(held.readline())  # the agent is in the middle of it
    assert place.files()["half.txt"] == "half done"
    running.send_signal(ending)
    assert running.wait(DEADLINE) == code
    gate.unlink()
    report = asyncio.run(place.resume())
    with pytest.raises(ProcessLookupError):
        os.kill(agent, 0)
    assert (report.status, report.interrupted) == ("solved", 1)
    assert report.iterations[0].attempt.number == 2
    assert '"half.txt"' in place.files()["answer.json"]
    aside = place.home.runs / "r1" / "aside" / "attempt-1-2"
    assert (aside / "half.txt").read_text() == "half done"
    assert (aside / "answer.json").read_text() == '{"value": -1}'
