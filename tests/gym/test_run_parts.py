"""The loop's parts alone: what outlives a kill, whose slot is whose, whose calls count, and what agents are told."""

import asyncio
import os
import subprocess
import sys

import msgspec
import pytest
from ended import ended_as
from run_bench import shell

from harnessgym_mcp.core.events import CallEvent
from harnessgym_mcp.core.iteration import Iteration as Slot
from harnessgym_mcp.core.iteration import open_slot
from harnessgym_mcp.core.policy import Loop, Telemetry
from harnessgym_mcp.core.run_state import Iteration, Score, ToolCalls
from harnessgym_mcp.gym.prompts import attempt_prompt, build_prompt, reflect_prompt
from harnessgym_mcp.gym.run_observe import built_by, close_left_open, retire, slot_of
from harnessgym_mcp.gym.run_survivors import RUN_VARIABLE, outlast
from harnessgym_mcp.gym.run_usage import calls_of_run, calls_of_turn
from harnessgym_mcp.gym.scoring import Scorer
from harnessgym_mcp.store.iterations import IterationStore
from harnessgym_mcp.store.telemetry import TelemetryWriter

# ---- survivors


def waiting(run: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", "print(flush=True); import signal; signal.pause()"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, env={**os.environ, RUN_VARIABLE: run})
    assert process.stdout is not None
    process.stdout.readline()
    return process


async def test_what_an_interrupted_run_left_is_ended_and_nobody_elses():
    ours, other = waiting("killed-run"), waiting("other-run")
    try:
        reaped = asyncio.create_task(asyncio.to_thread(ours.wait))
        await outlast("killed-run", Loop(survivors=2.0))
        assert await reaped == -9
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.communicate()


async def test_a_run_that_left_nothing_goes_on_at_once():
    await outlast("nobody-is-left", Loop(survivors=0.0))


# ---- slots


def opened(place, **changes) -> None:
    slot = Slot(id="s-1", session="r1.1.1", name="adder", run="r1", step="1", **changes)
    IterationStore(place.home).update(lambda all: open_slot(all, slot))


def test_a_slot_left_open_is_closed_with_its_reason(place):
    opened(place)
    assert built_by(place.home, "r1", 1) is None
    close_left_open(place.home, "r1", 1, "out of time")
    built = built_by(place.home, "r1", 1)
    assert (built.state, built.reason, built.submissions) == ("abandoned", "out of time", 0)


def test_an_interrupted_attempts_slot_does_not_count_as_the_iterations(place):
    opened(place)
    retire(place.home, "r1", 1, 1)
    assert slot_of(place.home, "r1", 1) is None
    assert [(i.step, i.state) for i in IterationStore(place.home).read()] == [("1.1", "abandoned")]
    opened(place)  # the attempt that is made again has its own
    retire(place.home, "other", 1, 1)
    assert slot_of(place.home, "r1", 1).state == "open"


# ---- calls

EVENT = CallEvent(
    at=1.0, session="s", thread="", tool_use="", front="f", client="c", labels="{}", artifact="adder",
    digest="sha256:a", tool="add", origin="agent", via="", duration_ms=1.0, status="completed", argument_keys="[]",
    argument_bytes=2, arguments=None, result_bytes=2, content_kinds="{}", error="",
)  # fmt: skip


def test_calls_are_counted_by_label_agents_own_alone(place):
    labels = '{"iteration": "1", "phase": "attempt", "run": "r1", "try": "2"}'
    rows = [
        EVENT._replace(labels=labels),
        EVENT._replace(labels=labels, status="tool_error"),
        EVENT._replace(labels=labels, status="timeout", tool="sub"),
        EVENT._replace(labels=labels, origin="qualification"),
        EVENT._replace(labels=labels.replace('"2"', '"1"')),
        EVENT._replace(labels=labels.replace("r1", "r2")),
        EVENT._replace(labels="not json"),
    ]
    writer = TelemetryWriter(place.home, Telemetry(), ended_as)
    for row in rows:
        writer.put(row)
    assert writer.close(10.0) == 0
    notes: list[str] = []
    found = calls_of_turn(place.home, {"run": "r1", "iteration": "1", "phase": "attempt", "try": "2"}, notes)
    assert found == [
        ToolCalls(tool="adder__add", digest="sha256:a", calls=2, completed=1),
        ToolCalls(tool="adder__sub", digest="sha256:a", calls=1, completed=0),
    ]
    assert (calls_of_run(place.home, "r1"), notes) == (4, [])
    place.home.telemetry.write_bytes(b"damaged")
    assert calls_of_turn(place.home, {"run": "r1"}, notes) == []
    assert "cannot be read" in notes[0]


# ---- prompts


@pytest.fixture
def settings(place):
    return place.settings(
        agent=shell("true"), task="Make {this} fast.", rules={"stop_score": 4.5, "direction": "lower"}
    )


def test_an_attempt_is_told_its_task_its_budget_its_target_and_its_tools(settings):
    text = attempt_prompt(settings, ["adder__add", "adder__sub\x1b[31m"], 5400.0)
    assert text.startswith("Make {this} fast.\n")
    for part in ("1:30:00", "`value`, lower is better; 4.5 is enough", "2 tools", "adder__add, adder__sub."):
        assert part in text
    assert len(attempt_prompt(settings, [f"a__{n}" * 9 for n in range(1000)], 60.0)) < 2000


def test_without_tools_none_are_praised(settings):
    assert "has no tools for this yet" in attempt_prompt(settings, [], 60.0)


def test_prompts_are_short(settings):
    for text in (
        attempt_prompt(settings, [], 60.0),
        reflect_prompt(settings, Iteration(number=1), 60.0),
        build_prompt(60.0),
    ):
        assert len(text) < 800


def test_what_a_check_says_of_held_out_cases_stays_with_it(settings):
    failed = Iteration(number=1, score=Score(cause="verifier_failed", message="case 7 wants 42"))
    assert "case 7 wants 42" in reflect_prompt(settings, failed, 60.0)
    hidden = msgspec.structs.replace(settings, scorer=Scorer(command="x", seconds=1.0, held_out="/h"))
    text = reflect_prompt(hidden, failed, 60.0)
    assert "did not pass" in text
    assert "42" not in text


def test_depth_asks_for_a_suite(settings):
    deep = msgspec.structs.replace(settings, depth="deep")
    assert "five tools" in reflect_prompt(deep, Iteration(number=1), 60.0)
    assert "five tools" not in reflect_prompt(settings, Iteration(number=1), 60.0)
