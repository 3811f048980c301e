"""Lives and ends: what a signal, a kill or a bad disk leaves behind, and what progress and prompts a client gets."""

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import anyio
import pytest

SELECTED = {"name": "adder", "why": "sums", "tools": ["add"]}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}


class Raw:
    """A client on bare pipes, so that signals hit exactly the server."""

    def __init__(self, place):
        self.process = subprocess.Popen(place.argv("serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.id = 0
        self.ask("initialize", HELLO)

    def send(self, method, params):
        self.id += 1
        self.process.stdin.write(
            json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}) + "\n"
        )
        self.process.stdin.flush()

    def ask(self, method, params):
        self.send(method, params)
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.id:
                return answer

    def end(self, number):
        self.process.send_signal(number)
        self.process.communicate(timeout=20)


@pytest.fixture
async def published(place):
    assert (await place.run("submit", str(place.draft("one"))))[0] == 0
    return place


def rows(place):
    """Those on disk; none where the file is a moment old and has no table yet."""
    with closing(sqlite3.connect(place.home / "telemetry.sqlite")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone():
            return []
        return connection.execute("SELECT tool, status FROM calls").fetchall()


def descendants(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry), *descendants(int(entry))]
    return found


def until_gone(handles):
    """A pidfd is readable once its process has ended."""
    for handle in handles:
        assert select.select([handle], [], [], 20)[0], "a process outlived the server"
        os.close(handle)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_signal_costs_no_row_and_leaves_no_process(published, number):
    raw = Raw(published)
    for n in range(20):
        assert "result" in raw.ask("tools/call", {"name": "one__example", "arguments": {"values": [n]}})
    children = descendants(raw.process.pid)
    assert children
    handles = [os.pidfd_open(pid) for pid in children]
    if number == signal.SIGKILL:  # rows are written when calls pause
        deadline = time.monotonic() + 20
        while not (published.home / "telemetry.sqlite").exists() or len(rows(published)) < 20:
            assert time.monotonic() < deadline
    raw.end(number)
    assert len(rows(published)) == 20
    until_gone(handles)


async def test_a_signal_in_mid_call_records_the_call_as_cancelled(place):
    draft = place.draft("slow", **{"import json\n": "import json\nimport signal\n", "def example(": "def example("})
    server = draft / "server.py"
    text = server.read_text().replace(
        '    return {"total"', '    if sum(values) == 77:\n        signal.pause()\n    return {"total"'
    )
    assert "signal.pause" in text
    server.write_text(text)
    assert (await place.run("submit", str(draft)))[0] == 0
    raw = Raw(place)
    raw.ask("tools/call", {"name": "slow__example", "arguments": {"values": [1]}})
    raw.send("tools/call", {"name": "slow__example", "arguments": {"values": [77]}})
    raw.ask("ping", {})
    began = time.monotonic()
    raw.end(signal.SIGTERM)
    assert sorted(rows(place)) == [("example", "cancelled"), ("example", "completed")]
    assert time.monotonic() - began < 10


async def test_a_telemetry_file_that_cannot_be_written_stops_no_call_and_is_told(published):
    (published.home / "telemetry.sqlite").mkdir()
    async with published.client() as agent:
        assert not (await agent.client.call_tool("one__example", {"values": [1]})).is_error
        stats = await agent.ask("harnessgym.stats")
    assert stats["telemetry_error"]


async def test_progress_is_told_stage_by_stage(place):
    seen = []

    async def progress(done, total, message):
        seen.append((done, message))

    async with place.client() as agent:
        await agent.ask("harnessgym.reflect", selected=SELECTED)
        result = await agent.client.call_tool("harnessgym.submit_artifact", {}, progress_callback=progress)
        assert json.loads(result.content[0].text)["status"] == "qualified"
    assert [m.split(":")[0] for _, m in seen][:3] == ["intake", "manifest", "lint"]
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


async def test_prompts_and_skills_are_offered(place):
    async with place.client() as agent:
        await agent.ask("harnessgym.reflect", selected=SELECTED)
        await agent.ask("harnessgym.submit_artifact")
        prompts = await agent.client.list_prompts()
        assert {p.name for p in prompts.prompts} >= {"reflect", "submit"}
        got = await agent.client.get_prompt("reflect")
        assert "harnessgym.reflect" in got.messages[0].content.text
        resources = (await agent.client.list_resources()).resources
        skill = next(r for r in resources if str(r.uri).endswith("SKILL.md"))
        text = (await agent.client.read_resource(str(skill.uri))).contents[0].text
        assert "adder" in text


async def test_the_instructions_begin_with_the_pitch(place):
    async with place.client() as agent:
        text = agent.client.instructions
    first = text.split("\n\n")[0]
    assert len(first) <= 250
    assert "first" in first
    assert "harnessgym.tools" in first


async def test_a_ticket_is_given_when_the_clean_room_takes_longer_than_the_client_waits(place):
    place.flags += ["--set", "timeouts.submit=0.01"]
    async with place.client() as agent:
        await agent.ask("harnessgym.reflect", selected=SELECTED)
        waiting = await agent.ask("harnessgym.submit_artifact")
        assert waiting["status"] == "running"
        with anyio.fail_after(60):
            while (answer := await agent.ask("harnessgym.submit_artifact", ticket=waiting["ticket"]))[
                "status"
            ] == "running":
                pass
        assert answer["status"] == "qualified"
        unknown = await agent.ask("harnessgym.submit_artifact", ticket="t-none")
        assert unknown["error"] == "not-found"


async def test_hostile_file_names_stay_in_the_draft(place, tmp_path):
    async with place.client() as agent:
        await agent.ask("harnessgym.reflect", selected=SELECTED)
        for path in ("../evil", "/etc/evil", "a/../../evil", "a\\b", "", "x\u0000y"):
            refused = await agent.ask("harnessgym.submit_artifact", files={path: "x"})
            assert refused["error"] == "usage", path
    assert not list(tmp_path.rglob("evil"))


async def test_an_untouched_scaffold_qualifies_for_every_session_kind(place):
    async with place.client() as agent:
        for name, kind in (("a-server", "server"), ("a-skill", "skill")):
            await agent.ask(
                "harnessgym.reflect", selected={"name": name, "kind": kind, "why": "because it was missing"}
            )
            answer = await agent.ask("harnessgym.submit_artifact")
            assert answer["status"] == "qualified", answer["findings"]


async def test_an_extension_begins_from_the_version_that_it_replaces(place):
    async with place.client() as agent:
        await agent.ask("harnessgym.reflect", selected=SELECTED)
        await agent.ask("harnessgym.submit_artifact")
        opened = await agent.ask("harnessgym.reflect", selected={"name": "adder", "extends": "adder", "why": "more"})
        server = opened["files"]["server.py"].replace("gives the total", "gives the grand total")
        answer = await agent.ask("harnessgym.submit_artifact", files={"server.py": server})
        assert answer["status"] == "qualified", answer["findings"]
        assert list(answer["changed_schemas"]) == ["adder__add"]


def test_serve_reads_and_writes_plain_files_too(place, tmp_path):
    frames = tmp_path / "frames"
    frames.write_text('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    answers = tmp_path / "answers"
    with frames.open() as file, answers.open("w") as out:
        done = subprocess.run(
            place.argv("serve"), stdin=file, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(answers.read_text()) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert sys.executable


@pytest.mark.parametrize(("stdin", "stdout"), [("null", "pipe"), ("request", "null")])
def test_serve_takes_devices_that_nobody_can_wait_for(place, tmp_path, stdin, stdout):
    (tmp_path / "request").write_text('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    source = os.devnull if stdin == "null" else tmp_path / "request"
    with open(source, "rb") as given, open(os.devnull, "wb") as nowhere:
        out = nowhere if stdout == "null" else subprocess.PIPE
        done = subprocess.run(place.argv("serve"), stdin=given, stdout=out, stderr=subprocess.PIPE, timeout=30)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
