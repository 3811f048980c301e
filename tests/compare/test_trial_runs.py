"""One trial: what each arm is given, what is kept, killed tries, and what is never run twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from compare_bench import TOOL, USES, Bench, Done, Here

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.trials import Budget
from harnessgym_mcp.errors import LockedError, NotFoundError, UsageError
from harnessgym_mcp.gym.compare import carry_out, report_of
from harnessgym_mcp.gym.compare_files import PREFIX, Files
from harnessgym_mcp.gym.executors import LocalExecutor, drive
from harnessgym_mcp.gym.trial import run_trial

SKILL = (
    "---\nname: plan-notes\ndescription: How plans are found. Use when a plan is asked for.\n---\n\n# Plans\n\nSweep.\n"
)
LOOKS = """\
import json, os
async def play(session):
    found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(".") for name in names)
    session.write("plan.json", json.dumps({"x": 7, "y": 3, "found": found, "tools": session.tools, "at": os.getcwd(),
                                           "seed": session.variables["seed"], "prompt": session.prompt}))
"""
ONCE = """\
import os, pathlib, signal
async def play(session):
    mark = pathlib.Path({mark!r})
    if {always} or not mark.exists():
        mark.write_text(os.getcwd())
        supervisor = os.getppid()
        above = int(pathlib.Path(f"/proc/{{supervisor}}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(above, signal.SIGKILL)
        signal.pause()
    session.write("plan.json", '{{"x": 7, "y": 3}}')
"""
"""Kills the process that runs the trial: its supervisor's parent."""


def seen(done: Done, arm: str) -> dict[str, object]:
    """What the script saw, as its result tells."""
    path = done.files.trial(f"plan.001.{arm}") / "try-1" / "result" / "plan.json"
    told: dict[str, object] = json.loads(path.read_text())
    return told


async def test_each_arm_gets_what_it_is_meant_to_and_nothing_else(bench: Bench) -> None:
    (bench.start / ".harnessgym" / "generated").mkdir(parents=True)
    (bench.start / ".harnessgym" / "generated" / "leak.txt").write_text("from an earlier run")
    (bench.start / ".claude" / "skills").mkdir(parents=True)
    (bench.start / ".claude" / "skills" / "old").symlink_to("../../.harnessgym/generated")
    skill = bench.artifacts / "plan-sweep" / "skills" / "plan-notes" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text(SKILL)
    done = await bench.compared(LOOKS, arms="plain,harnessed,notes,aa")
    task = ["./cost.py", "./plan.json"]
    notes = ["./.agents/skills/plan-notes/SKILL.md", "./.claude/skills/plan-notes/SKILL.md"]
    assert {arm: seen(done, arm)["found"] for arm in ("plain", "aa")} == {"plain": task, "aa": task}
    assert seen(done, "harnessed")["found"] == seen(done, "notes")["found"] == [*notes, *task]
    assert TOOL in seen(done, "harnessed")["tools"]
    assert seen(done, "notes")["tools"] == []
    assert len({seen(done, arm)["seed"] for arm in ("plain", "harnessed", "notes", "aa")}) == 1
    assert {seen(done, arm)["prompt"] for arm in ("plain", "harnessed")} == {done.plan.tasks[0].prompt}
    assert not any(Path(str(seen(done, arm)["at"])).exists() for arm in ("plain", "harnessed"))
    assert "harnessed" not in str(seen(done, "harnessed")["at"])


async def test_trials_leave_the_template_as_it_was(bench: Bench) -> None:
    before = {p.name: p.read_bytes() for p in bench.start.iterdir()}
    await bench.compared(arms="plain,aa")
    assert {p.name: p.read_bytes() for p in bench.start.iterdir()} == before


async def test_a_trial_that_has_its_outcome_is_not_run_again(bench: Bench) -> None:
    files, _ = await bench.planned(bench.request(arms="plain,aa"))
    first = await run_trial(files, "plan.001.plain", state=bench.state)
    assert await run_trial(files, "plan.001.plain", state=bench.state) == first
    assert files.tries("plan.001.plain") == 1


async def test_an_unknown_trial_and_one_that_is_being_run_are_refused(bench: Bench) -> None:
    files, _ = await bench.planned(bench.request(arms="plain,aa"))
    with pytest.raises(NotFoundError, match="no trial is called"):
        await run_trial(files, "plan.009.plain")
    with files.running("plan.001.plain"), pytest.raises(LockedError):
        await run_trial(files, "plan.001.plain")


async def test_a_killed_trial_is_run_again_and_the_report_says_so(bench: Bench) -> None:
    mark = bench.root / "killed"
    files, plan = await bench.planned(bench.request(ONCE.format(mark=str(mark), always=False), arms="plain,aa"))
    told = []
    await drive(files, plan, LocalExecutor(files, Policy(), 100.0, bench.state), told.append)
    causes = sorted((o.cause, o.tries) for o in told)
    assert causes == [("", 1), ("", 2), ("worker_lost", 1)]
    model = report_of(files, plan)
    assert [j.flags for j in model.comparison.trials if "retried" in j.flags]
    assert not Path(mark.read_text()).exists(), "the killed try's workspace is still there"


class Losing:
    """An executor that loses every trial at once."""

    at_once = 1

    def __init__(self) -> None:
        self.began: dict[str, list[float]] = {}

    async def run(self, trial: str, tries: int) -> str:
        self.began.setdefault(trial, []).append(asyncio.get_running_loop().time())
        return "the worker is gone"


async def test_what_was_lost_is_tried_again_after_a_pause_that_doubles(bench: Bench) -> None:
    settings = {"compare.retry_pause": "0.1"}
    files, plan = await bench.planned(bench.request(arms="plain,aa", retries=2, settings=settings))
    losing = Losing()
    await drive(files, plan, losing)
    for first, second, third in losing.began.values():
        assert 0.1 <= second - first < third - second
        assert third - second >= 0.2


async def test_a_trial_that_is_killed_every_time_is_left_out_and_told(bench: Bench) -> None:
    script = ONCE.format(mark=str(bench.root / "killed"), always="session.variables['repetition'] == 0")
    files, plan = await bench.planned(bench.request(script, arms="plain,aa", retries=1, trials=2))
    model = await carry_out(files, plan, LocalExecutor(files, Policy(), 100.0, bench.state))
    lost = [c.what for c in model.comparison.cautions if c.id == "lost"]
    assert lost == ["lost to infrastructure in every try and left out: 1 plain, 1 aa"]
    found = files.outcomes(plan)
    assert {id: (o.cause, o.tries) for id, o in found.items() if ".001." in id} == {
        "plan.001.plain": ("worker_lost", 2),
        "plan.001.aa": ("worker_lost", 2),
    }
    assert model.comparison.contrasts[0].dropped == 1
    places = [Path(p.read_text()) for p in files.out.glob("trials/*/try-*/place.txt")]
    assert len(places) == 6
    assert not [p for p in places if p.exists()]


async def test_a_full_disk_is_the_machines_fault(bench: Bench) -> None:
    files, plan = await bench.planned(bench.request(arms="plain,aa"))
    gone = files.input(plan.tasks[0].workspace)
    gone.rename(gone.with_name("gone"))
    outcome = await run_trial(files, "plan.001.plain", state=bench.state)
    assert outcome.cause == "environment"
    gone.with_name("gone").rename(gone)
    assert (await run_trial(files, "plan.001.plain", state=bench.state)).tries == 2


async def test_a_second_comparison_in_the_same_folder_is_refused(bench: Bench) -> None:
    await bench.planned(bench.request(arms="plain,aa"))
    with pytest.raises(UsageError, match="holds a comparison already"):
        await bench.planned(bench.request(arms="plain,aa"))


def command(bench: Bench, *words: str) -> list[str]:
    return [sys.executable, "-m", "harnessgym_mcp", *words, "--state", str(bench.state)]


def asked(bench: Bench, *words: str) -> list[str]:
    task = bench.root / "TASK.md"
    task.write_text("Write plan.json.")
    where = ("--task", str(task), "--workspace-template", str(bench.start), "--held-out", str(bench.final))
    score = ("--score-command", "python3 verify.py", "--direction", "lower", "--out", str(bench.root / "out"))
    return command(bench, "compare", *where, *score, *words)


def ran(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL)


WAITS = """\
import asyncio, pathlib
async def play(session):
    session.write("plan.json", '{{"x": 7, "y": 3}}')
    if session.variables["repetition"] == 1 and not pathlib.Path({go!r}).exists():
        pathlib.Path({here!r}).write_text(str(session.workspace))
        await asyncio.Event().wait()
"""


async def test_a_comparison_killed_in_mid_trial_goes_on_where_it_was(bench: Bench) -> None:
    here, go = bench.root / "here", bench.root / "go"
    bench.script(WAITS.format(here=str(here), go=str(go)))
    script = ("--agent-script", str(bench.root / "agent.py"), "--arms", "plain,aa", "--trials", "2", "--parallel", "1")
    first = await asyncio.create_subprocess_exec(*asked(bench, *script), stdout=subprocess.DEVNULL)
    try:
        await appears(here)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()
    files = Files(bench.root / "out")
    plan = files.plan()
    before = files.outcomes(plan)
    assert sorted(before) == ["plan.001.aa", "plan.001.plain"] or len(before) == 2
    await vanishes(Path(here.read_text()))
    go.touch()
    done = await asyncio.to_thread(ran, command(bench, "compare", "--resume", "--out", str(bench.root / "out")))
    assert (done.returncode, done.stderr) == (12, "")
    after = files.outcomes(plan)
    assert {id: after[id] for id in before} == before
    assert sorted(o.tries for o in after.values()) == [1, 1, 1, 2]


async def appears(path: Path) -> None:
    await changed(path.parent, path.exists)


async def vanishes(place: Path) -> None:
    """Of a killed comparison's trial nothing goes on, and its workspace goes with it."""
    await changed(place.parent.parent, lambda: not place.parent.exists())


async def changed(folder: Path, holds: Callable[[], bool]) -> None:
    """Wait until it holds; changes of the folder are the reason to look, and now and then no reason at all."""
    from watchfiles import awatch

    async with asyncio.timeout(100):
        async for _ in awatch(folder, recursive=False, rust_timeout=500, yield_on_timeout=True):
            if holds():
                return


def test_a_plan_can_be_looked_at_before_anything_is_spent(bench: Bench) -> None:
    bench.script(USES)
    words = ("--agent-script", str(bench.root / "agent.py"), "--artifacts", str(bench.artifacts), "--trials", "3")
    done = ran(asked(bench, *words, "--plan-only", "--json"))
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert len(told["trials"]) == 6
    assert told["design"]["bundle"]["tools"] == [TOOL]
    assert "--plan-only" not in told["command"]
    assert not (bench.root / "out" / "trials").exists()
    listed = ran(command(bench, "trial", "list", "--out", str(bench.root / "out")))
    assert listed.stdout.count("waiting") == 6
    one = ran(command(bench, "trial", "run", told["trials"][0]["id"], "--out", str(bench.root / "out"), "--json"))
    assert json.loads(one.stdout)["trial"] == told["trials"][0]["id"]
    shown = ran(command(bench, "report", str(bench.root / "out"), "--json"))
    assert json.loads(shown.stdout)["verdict"].startswith("underpowered")
    assert shown.returncode == 12


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("compare", "--resume", "--out", "nowhere"), 3, "there is no comparison in"),
        (("compare", "--resume", "--out", "x", "--trials", "9"), 2, "--trials cannot be changed with --resume"),
        (("compare", "--resume", "--out", "x", "--require-tool-use"), 2, "--require-tool-use cannot be changed"),
        (("compare", "--out", "x"), 2, "--task FILE"),
        (("compare", "--out", "x", "--task-text", "Do it."), 2, "no workspace"),
        (("compare", "--out", "x", "--task", "nothing.md"), 3, "cannot read the task"),
        (("trial", "run", "--out", "x"), 2, "which trial?"),
        (("trial", "run", "a.001.plain", "--out", "x"), 3, "there is no comparison in"),
        (("report", "nowhere"), 3, "there is no report"),
    ],
)
def test_wrong_words_are_told_with_a_hint_and_a_code(bench: Bench, words: list[str], code: int, says: str) -> None:
    done = subprocess.run(command(bench, *words), cwd=bench.root, capture_output=True, text=True, timeout=60)
    assert (done.returncode, says in done.stderr, "hint:" in done.stderr) == (code, True, True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--effect", "0.05", "--sd", "0.1"), "35 pairs"),
        (("--effect", "1", "--sd", "1", "--scale", "difference"), "10 pairs"),
        (("--effect", "1", "--sd", "1", "--scale", "difference", "--unpaired"), "17 trials of each arm"),
        (("--effect", "0.1", "--sd", "0.01"), "6 pairs"),
    ],
)
def test_power_tells_how_many_trials_it_takes(bench: Bench, words: list[str], says: str) -> None:
    assert says in ran(command(bench, "power", *words)).stdout


def test_power_refuses_what_cannot_be(bench: Bench) -> None:
    for words, says in (
        (("--scale", "pass", "--discord", "0.1"), "--discord is at least the effect"),
        (("--sd", "0.1", "--alpha", "1e-300"), "--alpha lies between 1e-09 and 0.5"),
        (("--sd", "0.1", "--alpha", "nan"), "--alpha lies between"),
    ):
        done = ran(command(bench, "power", "--effect", "0.3", *words))
        assert (done.returncode, says in done.stderr, "hint:" in done.stderr) == (2, True, True)


async def test_nothing_is_left_in_the_temporary_folder(bench: Bench) -> None:
    import tempfile

    before = {p.name for p in Path(tempfile.gettempdir()).glob(f"{PREFIX}*")}
    files, plan = await bench.planned(bench.request(arms="plain,aa"))
    await carry_out(files, plan, Here(files, bench.state))
    places = [Path(p.read_text()) for p in files.out.glob("trials/*/try-*/place.txt")]
    assert places
    assert not [p for p in places if p.exists() or p.name in before]


IMPROVES = """\
import asyncio
async def play(session):
    session.write("plan.json", '{"x": 8, "y": 3}')
    await asyncio.Event().wait()
"""


async def test_the_curve_tells_when_the_threshold_was_reached(bench: Bench) -> None:
    done = await bench.compared(IMPROVES, arms="plain,aa", threshold=11.0, budget=Budget(seconds=8))
    outcome = done.outcome("plain")
    assert [p.score for p in outcome.curve] == [11, 11]
    assert outcome.curve[0].seconds <= 4.5
    assert outcome.curve[-1].seconds >= 8
    assert done.judged("plain").reached == outcome.curve[0].seconds
    assert done.model.comparison.curves
