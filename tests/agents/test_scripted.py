"""Scripts in the agent's place: a real MCP client over stdio, steps that must come out as told, honest failures."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harnessgym_mcp.agents.agent import Context, Entry, Prompt, Turn
from harnessgym_mcp.agents.script import fill, is_part
from harnessgym_mcp.agents.scripted import Scripted
from harnessgym_mcp.agents.session import ScriptError
from harnessgym_mcp.core.policy import Agents
from harnessgym_mcp.errors import UsageError

SERVERS = Path(__file__).parent.parent / "servers"
FRAMES = Path(__file__).parent / "bins" / "frames_server.py"


def entry(name: str = "echo.py", *words: str) -> Entry:
    return Entry((sys.executable, str(SERVERS / name), *words))


@pytest.fixture
def context(tmp_path) -> Context:
    (tmp_path / "ws").mkdir()
    rules = Agents(settle=0.1, grace=0.2)
    return Context(tmp_path / "ws", tmp_path / "turns" / "1", 30, rules=rules)


@pytest.fixture
def script(tmp_path):
    """`script(step, ...)` or `script(turns=[...])`: a script file's agent."""

    def make(*steps: dict, turns: list | None = None, mode: str = "") -> Scripted:
        path = tmp_path / "script.json"
        path.write_text(json.dumps({"harnessgym_script": 1, "turns": turns or [{"steps": list(steps)}]}))
        return Scripted(path, mode)

    return make


async def play(agent: Scripted, context: Context, **prompt) -> Turn:
    return await agent.attempt(Prompt(prompt.pop("text", "the task"), **prompt), context)


async def test_every_kind_of_step_does_its_work(script, context):
    agent = script(
        {"write": "a/b.txt", "text": "seed ${seed}\n"},
        {"write": "c.json", "json": {"n": "${seed}"}},
        {"replace": "a/b.txt", "old": "seed", "new": "grain"},
        {"read": "a/b.txt", "save": "file"},
        {"run": "cat c.json; exit 4", "expect_code": 4, "save": "shell"},
        {"run": ["printf", "%s", "${file}"], "save": "printed"},
        {"tools": {"has": ["add"], "lacks": ["subtract"]}},
        {"await_tool": "add"},
        {"call": "add", "arguments": {"a": "${seed}", "b": 1}, "save": "sum"},
        {"say": "${printed.stdout}${sum.text} ${shell.code} ${phase} ${iteration}"},
    )
    turn = await play(agent, replace(context, entry=entry()), variables={"seed": 7}, iteration=3)
    assert (turn.status, turn.problem) == ("ok", "")
    assert turn.message == "grain 7\n8 4 attempt 3"
    assert json.loads((context.workspace / "c.json").read_text()) == {"n": 7}
    assert turn.calls("harnessgym") == {"add": 1}
    assert turn.calls("") == {"write": 3, "run": 2}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_tool_that_appears_is_waited_for_and_called(script, context, mode):
    steps = ({"call": "grow"}, {"await_tool": "grown-1", "timeout": 5}, {"call": "grown-1", "expect": {"text": "2"}})
    turn = await play(script(*steps, mode=mode), replace(context, entry=entry("growing_tools.py")))
    assert (turn.status, turn.problem) == ("ok", "")
    assert turn.calls("harnessgym") == {"grow": 1, "grown-1": 1}


async def test_the_modern_era_is_spoken_when_asked(script, context):
    steps = ({"call": "echo", "arguments": {"value": "x"}, "expect": {"data": {"value": "x"}}},)
    turn = await play(script(*steps, mode="modern"), replace(context, entry=entry("modern_only.py")))
    assert (turn.status, turn.problem) == ("ok", "")


async def test_the_client_says_that_it_is_a_script_and_names_its_session_in_each_call(script, context, tmp_path):
    log = tmp_path / "frames.jsonl"
    recording = Entry((sys.executable, str(FRAMES), str(log)))
    turn = await play(script({"call": "echo"}), replace(context, entry=recording))
    frames = [json.loads(line) for line in log.read_text().splitlines()]
    (hello,) = (f for f in frames if f["method"] == "initialize")
    (call,) = (f for f in frames if f["method"] == "tools/call")
    assert hello["params"]["clientInfo"]["name"] == "harnessgym-scripted"
    assert call["params"]["_meta"]["sessionId"] == turn.session_id


async def test_what_a_session_saved_is_there_when_it_is_resumed(script, context):
    agent = script(
        turns=[
            {"phase": "attempt", "steps": [{"run": "echo kept", "save": "said"}]},
            {"phase": "reflect", "steps": [{"say": "${said.stdout}"}]},
        ]
    )
    first = await play(agent, context)
    later = replace(context, transcripts=context.transcripts.parent / "2")
    second = await agent.resume(first.session_id, Prompt("", "reflect"), later)
    assert second.message == "kept\n"
    assert first.session_id != (await play(agent, context)).session_id


@pytest.mark.parametrize(
    ("phase", "iteration", "arm", "expected"),
    [
        ("attempt", 1, None, "plain"),
        ("attempt", 1, entry(), "with echo"),
        ("attempt", 2, entry(), "second"),
        ("reflect", 1, None, "reflect"),
        ("repair", 9, None, ""),
    ],
)
async def test_the_first_turn_that_matches_is_played(script, context, phase, iteration, arm, expected):
    agent = script(
        turns=[
            {"phase": "reflect", "steps": [{"say": "reflect"}]},
            {"iteration": 2, "steps": [{"say": "second"}]},
            {"phase": "attempt", "has_tool": "echo", "steps": [{"say": "with echo"}]},
            {"phase": "attempt", "has_entry": False, "steps": [{"say": "plain"}]},
        ]
    )
    turn = await play(agent, replace(context, entry=arm), phase=phase, iteration=iteration)
    assert (turn.status, turn.message) == ("ok", expected)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"call": "fails"}, "fails failed"),
        ({"call": "works", "expect": {"isError": True}}, "works succeeded, which the script does not expect"),
        ({"call": "works", "expect": {"text": "nowhere"}}, "'nowhere' is not in the answer"),
        ({"call": "works", "expect": {"data": {"n": 1}}}, "the answer is"),
        ({"call": "no-such-tool"}, "no-such-tool failed"),
        ({"await_tool": "never", "timeout": 0.1}, "no tool 'never' was listed within 0.1 s, only: "),
        ({"tools": {"has": ["never"], "lacks": ["works"]}}, "never is missing; works is there"),
        ({"run": "exit 3"}, "exit 3 ended with 3"),
        ({"run": ["/no/such/program"]}, "cannot run /no/such/program"),
        ({"run": "sleep 60", "timeout": 0.1}, "took longer than 0.1 s"),
        ({"read": "missing"}, "cannot read missing"),
        ({"write": "../out", "text": ""}, "not in the workspace"),
        ({"replace": "f", "old": "a", "new": ""}, "holds 'a' 2 times, not once"),
        ({"say": "${nothing.here}"}, "${nothing.here} names nothing"),
    ],
)
async def test_a_step_that_goes_otherwise_fails_the_turn_and_is_named(script, context, step, problem):
    (context.workspace / "f").write_text("aa")
    arm = entry("error_results.py") if {"call", "await_tool", "tools"} & set(step) else None
    turn = await play(script({"say": "before"}, step, {"say": "after"}), replace(context, entry=arm))
    assert (turn.status, turn.cause, turn.message) == ("failed", "agent", "before")
    assert turn.problem.startswith(f"step 2 ({next(iter(step))}): ")
    assert problem in turn.problem


@pytest.mark.parametrize("wanted", [True, None])
async def test_a_call_that_fails_may_be_expected(script, context, wanted):
    step = {"call": "fails", "expect": {"isError": wanted}, "save": "got"}
    turn = await play(script(step, {"say": "${got.isError}"}), replace(context, entry=entry("error_results.py")))
    assert (turn.status, turn.message) == ("ok", "true")
    assert turn.tools[0].errors == 1


async def test_a_call_without_an_entry_fails_the_turn(script, context):
    assert "no MCP entry in this arm" in (await play(script({"call": "echo"}), context)).problem


async def test_an_entry_that_does_not_start_fails_the_turn(script, context):
    turn = await play(script({"say": "x"}), replace(context, entry=Entry(("/no/such/server",))))
    assert turn.status == "failed"
    assert "/no/such/server" in turn.problem


async def test_an_entry_that_says_nothing_fails_the_turn_in_bounded_time(script, context):
    rules = replace(context.rules, tool_start=0.3)
    silent = replace(context, entry=Entry(("/bin/sleep", "600")), rules=rules)
    turn = await play(script({"say": "x"}), silent)
    assert turn.status == "failed"
    assert turn.seconds < 15


async def test_a_call_that_hangs_ends_with_its_own_timeout(script, context):
    step = {"call": "hang", "timeout": 0.3, "expect": {"isError": None}, "save": "got"}
    turn = await play(script(step, {"call": "echo"}), replace(context, entry=entry("hang_on_call.py")))
    assert (turn.status, turn.problem) == ("ok", "")
    assert turn.tools[0].errors == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not json", "is not a script"),
        ('{"harnessgym_script": 1}', "missing required field `turns`"),
        ('{"harnessgym_script": 1, "turns": [{"steps": [], "fase": "x"}]}', "unknown field `fase`"),
        ('{"harnessgym_script": 1, "turns": [{"steps": [{}]}]}', "turns[0], step 1 needs one action"),
        ('{"harnessgym_script": 1, "turns": [{"steps": [{"say": "", "call": ""}]}]}', "needs one action"),
        ('{"harnessgym_script": 1, "turns": [{"steps": [{"say": "", "loudly": 1}]}]}', "'say' takes no loudly"),
    ],
)
async def test_a_file_that_is_no_script_is_wrong_use_and_says_where(tmp_path, context, text, problem):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        await play(Scripted(path), context)
    assert problem in raised.value.message
    assert raised.value.hint


async def test_a_missing_script_is_told_in_both_ways(tmp_path, context):
    agent = Scripted(tmp_path / "none.json")
    assert "cannot read" in (await agent.identify()).problem
    with pytest.raises(UsageError, match="cannot read"):
        await play(agent, context)


async def test_another_script_is_another_version(tmp_path):
    path = tmp_path / "s.json"
    path.write_text("1")
    first = await Scripted(path).identify()
    path.write_text("2")
    assert first.version != (await Scripted(path).identify()).version


PYTHON = """
MODE = "auto"
async def play(session):
    print("this is no event")
    assert session.connected and "add" in session.tools
    result = await session.call("add", {"a": session.variables["seed"], "b": 1})
    failed = await session.call("add", {}, expect_error=None)
    session.saved["sum"] = result.text
    session.write("out.txt", result.text)
    done = await session.run(["cat", "out.txt"])
    session.say(f"{done.stdout} {session.resumed} {session.prompt}")
"""


async def test_a_python_script_plays_the_same_session(tmp_path, context):
    path = tmp_path / "script.py"
    path.write_text(PYTHON)
    turn = await play(Scripted(path), replace(context, entry=entry()), variables={"seed": 4})
    assert (turn.status, turn.problem, turn.message) == ("ok", "", "5 False the task")
    assert "this is no event" in turn.transcripts.stderr.read_text()


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("async def play(session):\n    1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys\nasync def play(session):\n    sys.exit(0)", "SystemExit: 0"),
        ("x = 1", "defines no `async def play(session)`"),
        ("raise ValueError('at import')", "ValueError: at import"),
        ("import os\nasync def play(session):\n    os._exit(0)", "has no end"),
    ],
)
async def test_a_python_script_that_fails_says_how(tmp_path, context, code, problem):
    path = tmp_path / "script.py"
    path.write_text(code)
    turn = await play(Scripted(path), context)
    assert turn.status == "failed"
    assert problem in turn.problem


async def test_a_python_script_that_is_no_python_is_wrong_use(tmp_path, context):
    path = tmp_path / "script.py"
    path.write_text("def (")
    with pytest.raises(UsageError, match="cannot use the script"):
        await play(Scripted(path), context)


async def test_a_python_script_that_never_yields_is_timed_out(tmp_path, context):
    path = tmp_path / "script.py"
    path.write_text("async def play(session):\n    while True: pass")
    assert (await play(Scripted(path), replace(context, timeout=1))).status == "timed_out"


async def test_the_workspaces_files_are_not_taken_for_modules(script, context):
    for name in ("json", "asyncio", "mcp", "msgspec"):
        (context.workspace / f"{name}.py").write_text("raise SystemExit('hijacked')")
    turn = await play(script({"call": "echo"}), replace(context, entry=entry()))
    assert (turn.status, turn.problem) == ("ok", "")


def test_references_are_filled_in_with_their_values():
    values = {"n": 3, "deep": {"list": [{"x": None}], "a b": 1}}
    assert fill({"k": ["${n}", "is ${n}", 5]}, values) == {"k": [3, "is 3", 5]}
    assert fill("${deep.list.0.x}", values) is None
    assert fill("$n ${} $${n}", values) == "$n ${} $3"
    for wrong in ("${m}", "${deep.list.1}", "${deep.list.x}", "${n.k}"):
        with pytest.raises(ScriptError, match="names nothing"):
            fill(wrong, values)


def test_a_part_of_an_answer():
    assert is_part({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2, "d": 3}], "e": 4}})
    assert not is_part({"a": [1]}, {"a": [1, 2]})
    assert not is_part({"a": 1}, {"a": True})
    assert not is_part({"a": None}, {})
    assert not is_part({}, [])
