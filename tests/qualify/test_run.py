"""The parent's side: no artifact and no child can do more than be rejected."""

import asyncio
import os
import select
import subprocess
import sys
import uuid
from pathlib import Path

import msgspec
import pytest

from harnessgym_mcp.core.verdict import Finding
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.qualify.gate import STAGES, Stage
from harnessgym_mcp.qualify.gate import judge as judge_here
from harnessgym_mcp.qualify.request import Event, Request
from harnessgym_mcp.qualify.submission import not_the_artifacts_fault


def _marked(mark: str) -> list[int]:
    """Processes that were started with this text in their environment, wherever they are."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def _all_end(pids: list[int], seconds: float = 5) -> bool:
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = select.select([fd], [], [], seconds)[0]
        os.close(fd)
        if not ended:
            return False
    return True


async def test_stages_are_told_as_they_end_and_the_verdict_holds_them_all(judge, build):
    told = []
    verdict = (await judge(build(), on_stage=lambda stage: told.append(stage))).verdict
    assert told == verdict.stages
    assert {s.status for s in told if s.id != "regression"} == {"passed"}
    assert [(s.status, s.note) for s in told if s.id == "regression"] == [("skipped", "no version before")]
    assert verdict.isolation is not None
    assert verdict.policy_digest.startswith("sha256:")


async def test_a_deadline_ends_the_child_and_all_its_servers(judge, wrap, ids):
    mark = uuid.uuid4().hex
    running: list[int] = []
    calls = [{"tool": "hang", "arguments": {}, "expect": {"text": "never"}}]
    source = wrap("hang_on_call", calls, env={"MARK": mark})
    verdict = (await judge(source, timeout=1.5, on_stage=lambda stage: running.extend(_marked(mark)))).verdict
    assert ids(verdict) == ["gate.timeout"]
    assert "self-test" in verdict.errors[0].what
    assert running
    assert _all_end(running)


async def test_cancelling_ends_the_child_and_all_its_servers(judge, wrap):
    mark = uuid.uuid4().hex
    calls = [{"tool": "hang", "arguments": {}, "expect": {"text": "never"}}]
    booted = asyncio.Event()
    source = wrap("hang_on_call", calls, env={"MARK": mark})
    task = asyncio.ensure_future(judge(source, on_stage=lambda s: booted.set() if s.id == "boot" else None))
    await asyncio.wait_for(booted.wait(), 20)
    running = _marked(mark)
    assert running
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _all_end(running)


async def test_more_qualifications_than_places_wait_for_their_turn(judge, build):
    sources = [build(name) for name in ("one", "two", "three")]
    settings = {"qualify.at_once": 1}
    judgements = await asyncio.gather(*(judge(s, settings=settings) for s in sources))
    assert [j.verdict.status for j in judgements] == ["qualified"] * 3


async def test_a_home_that_is_always_busy_costs_the_artifact_nothing(judge, build, wrap, ids):
    calls = [{"tool": "hang", "arguments": {}, "expect": {"text": "never"}}]
    settings = {"qualify.at_once": 1}
    started = asyncio.Event()
    first = asyncio.ensure_future(
        judge(wrap("hang_on_call", calls), settings=settings, timeout=8, on_stage=lambda s: started.set())
    )
    await asyncio.wait_for(started.wait(), 8)
    verdict = (await judge(build(), settings=settings, timeout=0.3)).verdict
    assert ids(verdict) == ["gate.busy"]
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_folder_that_is_not_there_is_a_finding(judge, tmp_path, ids):
    assert ids((await judge(tmp_path / "nowhere")).verdict) == ["intake.unreadable"]


async def test_nothing_is_left_in_the_temporary_folder(judge, build, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    await judge(build())
    assert list((tmp_path / "tmp").iterdir()) == []


async def test_four_at_once_on_one_home_do_not_disturb_each_other(judge, build):
    sources = [build(name) for name in ("one", "two", "three", "four")]
    judgements = await asyncio.gather(*(judge(s) for s in sources))
    assert [(j.verdict.status, j.verdict.name) for j in judgements] == [("qualified", s.name[:-6]) for s in sources]


async def test_the_child_writes_events_and_nothing_else_to_stdout(build, tmp_path, state):
    (tmp_path / "rooms").mkdir()
    request = Request(source=str(build()), home=str(tmp_path), state=str(state), folder=str(tmp_path / "rooms"))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "harnessgym_mcp.qualify.child", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    told, _ = await child.communicate(msgspec.json.encode(request))
    events = [msgspec.json.decode(line, type=Event) for line in told.splitlines()]
    assert child.returncode == 0
    ended = [e.stage.id for e in events if e.stage and e.stage.status != "skipped"]
    assert [e.begins for e in events if e.begins] == ended
    assert [e.judgement.verdict.status for e in events if e.judgement] == ["qualified"]
    assert events[-1].judgement is not None


async def test_a_stage_that_fails_itself_rejects_with_its_name(build, tmp_path, state):
    async def broken(ctx: Context) -> list[Finding]:
        raise ZeroDivisionError("a defect of ours")

    request = Request(source=str(build()), home=str(tmp_path), state=str(state), folder=str(tmp_path))
    stages = [STAGES[0], Stage("broken", broken, ("intake",), server=False), Stage("after", broken, ("broken",))]
    verdict = (await judge_here(request, lambda stage: None, stages=stages)).verdict
    assert [(f.id, f.where) for f in verdict.errors] == [("gate.internal", "broken")]
    assert [(s.id, s.status) for s in verdict.stages] == [
        ("intake", "passed"),
        ("broken", "failed"),
        ("after", "skipped"),
    ]


async def test_a_sandbox_that_does_not_work_here_is_the_machines_fault(judge, build, ids):
    verdict = (await judge(build(), settings={"isolation.tier": "C"})).verdict
    if sys.platform != "darwin":
        assert ids(verdict) == ["gate.isolation"]
        assert not_the_artifacts_fault(verdict)
