"""How the real clients introduce themselves to a server, frame by frame, kept in wire/*.json.

The server side relies on these members to tell sessions, threads and tool uses apart, so a client version that sends
others must turn this red. In the kept frames ids are named by what they equal: <session>, <tool use>, <uuid>, <id>.

Who is calling, in short:
    Claude Code  the environment: CLAUDE_CODE_SESSION_ID (right on --resume too), CLAUDE_PROJECT_DIR, CLAUDECODE=1; each
                 call: _meta["claudecode/toolUseId"], the id that its event stream has for the tool use
    Codex        nothing in the environment; each call: _meta.sessionId = _meta.threadId = the thread id that its event
                 stream starts with, _meta.callId, and _meta["x-codex-turn-metadata"].turn_id
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_model import Answer, Call

pytestmark = pytest.mark.client

WIRE = Path(__file__).parent / "wire"
OURS = ("HOME", "PATH", "NO_PROXY", "SCRIPTED_MODEL_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "LC_CTYPE")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def told(bench: Any, session: str) -> dict[str, Any]:
    """What a server learns of its client: the first frame of each method, and variables that the client sets."""
    frames: dict[str, Any] = {}
    for frame in bench.heard():
        frames.setdefault(frame["method"], normal(frame.get("params", {}), session))
    (process,) = bench.processes()
    given = {*os.environ, *OURS}
    set_by_it = {k: normal(v, session) for k, v in process["env"].items() if k not in given}
    return {"requests": frames, "environment": dict(sorted(set_by_it.items()))}


def normal(value: Any, session: str) -> Any:
    """Without what differs from one run to the next."""
    if isinstance(value, dict):
        return {k: "<number>" if k.endswith("_ms") else normal(v, session) for k, v in value.items()}
    if isinstance(value, list):
        return [normal(v, session) for v in value]
    if not isinstance(value, str):
        return value
    value = UUID.sub("<uuid>", value.replace(session, "<session>"))
    value = re.sub(r"\b(toolu|call|fc|msg)_[0-9a-f]{24}\b", r"<\1 id>", value)
    return "<path>" if value.startswith("/") else value


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_each_client_introduces_itself_as_kept(bench, era):
    if (bench.kind, era) == ("codex", "modern"):
        pytest.skip("this version of Codex knows the handshake alone")
    bench.answers(Answer(calls=[Call("echo", {"value": "x"})]), Answer("done"))
    entry = bench.context.entry
    turn = await bench.attempt(entry=replace(entry, command=(*entry.command, era)))
    assert (turn.status, bench.model.missing) == ("ok", [])
    kept = WIRE / f"{bench.kind}-{era}.json"
    heard = told(bench, turn.session_id)
    version = (await bench.agent.identify()).version
    if os.environ.get("HARNESSGYM_KEEP_WIRE"):  # after a new version was looked at
        kept.write_text(json.dumps({"version": version, **heard}, indent=1) + "\n")
    expected = json.loads(kept.read_text())
    if version != expected["version"]:
        pytest.skip(f"kept for {expected['version']}")
    assert heard["requests"] == expected["requests"]
    assert heard["environment"] == expected["environment"]


async def test_a_session_is_told_the_same_way_when_it_is_resumed(bench):
    bench.answers(Answer(calls=[Call("echo")]), Answer("done"), Answer(calls=[Call("echo")]), Answer("done"))
    first = await bench.attempt()
    await bench.resume(first.session_id)
    assert len(bench.calls()) == 2
    if bench.kind == "claude":
        assert [p["env"]["CLAUDE_CODE_SESSION_ID"] for p in bench.processes()] == [first.session_id] * 2
        assert {p["env"]["CLAUDE_PROJECT_DIR"] for p in bench.processes()} == {str(bench.context.workspace)}
    else:
        metas = [call["_meta"] for call in bench.calls()]
        assert {m["sessionId"] for m in metas} == {m["threadId"] for m in metas} == {first.session_id}
        turns = [m["x-codex-turn-metadata"]["turn_id"] for m in metas]
        assert turns[0] != turns[1]


async def test_a_call_is_tied_to_the_tool_use_in_the_event_stream(bench):
    bench.answers(Answer(calls=[Call("echo")]), Answer("done"))
    turn = await bench.attempt()
    (call,) = bench.calls()
    if bench.kind == "claude":
        assert call["_meta"]["claudecode/toolUseId"] in turn.transcripts.stdout.read_text()
    else:
        assert call["_meta"]["callId"].startswith("call_")


async def test_no_credential_of_the_agent_reaches_the_server(bench):
    bench.answers(Answer("done"))
    await bench.attempt()
    (process,) = bench.processes()
    held = set(process["env"])
    assert not held & {"ANTHROPIC_API_KEY", "SCRIPTED_MODEL_KEY", "CLAUDE_CODE_MESSAGING_TOKEN"}
    assert "dummy" not in json.dumps(process["env"])
    assert process["cwd"] == str(bench.context.workspace)
