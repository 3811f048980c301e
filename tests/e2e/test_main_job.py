"""The main job with the official SDK's client: reflect, submit, repair, mounted at once, there in a fresh session."""

import json

import pytest

from harnessgym_mcp.core.names import join

SELECTED = {"name": "adder", "kind": "server", "why": "adding by hand is slow", "tools": ["add"]}
MISTAKE = {"sys.stdout.flush()": 'sys.stdout.flush(); print("debug", flush=True)'}


@pytest.mark.parametrize("mode", ["legacy", "modern", "auto"])
async def test_a_tool_is_built_rejected_repaired_and_lives_in_the_same_and_the_next_session(place, mode):
    async with place.client(mode) as agent:
        assert [n for n in await agent.tools() if not n.startswith("harnessgym.")] == []
        evidence = await agent.ask("harnessgym.reflect", outcome="slow")
        assert "ONE" in evidence["question"]
        opened = await agent.ask("harnessgym.reflect", selected=SELECTED)
        server = opened["files"]["server.py"]
        broken = server.replace("sys.stdout.flush()", MISTAKE["sys.stdout.flush()"])
        refused = await agent.ask("harnessgym.submit_artifact", files={"server.py": broken})
        assert (refused["status"], refused["repair"]) == ("rejected", "1 of 2")
        assert any(f["id"] == "footprint.stray-stdout" and f["fix"] for f in refused["findings"])
        accepted = await agent.ask("harnessgym.submit_artifact", files={"server.py": server})
        assert accepted["status"] == "qualified", accepted["findings"]
        assert accepted["callable_now"] == ["adder__add"]
        assert "adder__add" in await agent.tools()
        first = await agent.client.call_tool("adder__add", {"values": [1, 2]})
        assert not first.is_error
    async with place.client(mode, session="s-2") as fresh:
        assert "adder__add" in await fresh.tools()
        assert not (await fresh.client.call_tool("adder__add", {"values": [3]})).is_error
        stats = await fresh.ask("harnessgym.stats", scope="all")
    assert [(c["artifact"], c["tool"], c["calls"], c["successes"]) for c in stats["calls"]] == [("adder", "add", 2, 2)]


async def test_the_repairs_run_out_and_the_artifact_is_quarantined(place):
    async with place.client() as agent:
        opened = await agent.ask("harnessgym.reflect", selected=SELECTED)
        broken = opened["files"]["server.py"] + "\nraise SystemExit(3)\n"
        answers = [
            await agent.ask("harnessgym.submit_artifact", files={"server.py": f"raise SystemExit({n})\n" + broken})
            for n in range(3)
        ]
        assert [a.get("repair") for a in answers] == ["1 of 2", "2 of 2", None]
        assert answers[2]["quarantined"] is True
        assert "adder__add" not in await agent.tools()
        stats = await agent.ask("harnessgym.stats")
        assert {q["name"] for q in stats["quarantined"]} == {"adder"}
        assert stats["open_slot"] is None
        again = await agent.ask("harnessgym.submit_artifact", path="drafts/adder")
        assert again["error"] == "slot"


async def test_one_slot_at_a_time_and_it_survives_a_restart(place):
    async with place.client() as agent:
        await agent.ask("harnessgym.reflect", selected=SELECTED)
        second = await agent.ask("harnessgym.reflect", selected={"name": "other", "why": "too"})
        assert second["error"] == "slot"
        assert "abandon" in second["hint"]
    async with place.client() as again:
        stats = await again.ask("harnessgym.stats")
        assert stats["open_slot"]["name"] == "adder"
        assert (await again.ask("harnessgym.submit_artifact", abandon=True))["status"] == "abandoned"
        assert "draft" in await again.ask("harnessgym.reflect", selected={"name": "other", "why": "too"})


async def test_slots_belong_to_a_session(place):
    async with place.client(session="one") as one, place.client(session="two") as two:
        await one.ask("harnessgym.reflect", selected=SELECTED)
        assert "draft" in await two.ask("harnessgym.reflect", selected={"name": "other", "why": "mine"})


async def test_a_submission_without_a_slot_is_refused_with_the_way_to_one(place):
    place.draft("loner")
    async with place.client() as agent:
        refused = await agent.ask("harnessgym.submit_artifact", path="loner")
        assert refused["error"] == "slot"
        assert "harnessgym.reflect" in refused["hint"]


async def test_what_the_command_line_publishes_is_live_in_open_sessions(place):
    async with place.client() as agent, place.client("modern", session="s-2") as other:
        await agent.tools()
        code, verdict = await place.run("submit", str(place.draft("cli-made")))
        assert (code, verdict["status"], verdict["schema"]) == (0, "qualified", "harnessgym/verdict/1")
        for session in (agent, other):
            await session.until_listed("cli-made__example")
        assert agent.changed.is_set()
        assert (await place.run("archive", "cli-made"))[0] == 0
        await agent.until_listed("cli-made__example", there=False)
        assert (await place.run("restore", "cli-made"))[0] == 0
        await agent.until_listed("cli-made__example")


async def test_a_hand_edit_is_judged_and_then_live_while_a_bad_one_leaves_the_old_version(place):
    await place.run("submit", str(place.draft("edited")))
    server = place.home / "generated" / "edited" / "server.py"
    good = server.read_text()
    async with place.client() as agent:
        server.chmod(0o644)
        server.write_text(good.replace("gives the total", "gives the grand total"))

        async def description() -> str:
            return (
                next(t.description for t in (await agent.client.list_tools()).tools if t.name == "edited__example")
                or ""
            )

        while "grand total" not in await description():
            await agent.tools()
        server.chmod(0o644)
        server.write_text("raise SystemExit(1)\n")
        while not (stats := await agent.ask("harnessgym.stats"))["problems"].get("edited", "").startswith("its edited"):
            pass
        assert "grand total" in await description()
        assert stats["requalifying"] == {}
    code, listed = await place.run("list")
    assert code == 0
    assert len(listed["artifacts"][0]["versions"]) == 2


async def test_a_rollback_is_live_and_keeps_both_versions(place):
    await place.run("submit", str(place.draft("twice")))
    await place.run("submit", str(place.draft("twice", **{"gives the total": "gives THE total"})))
    async with place.client() as agent:
        first = {t.name: t.description for t in (await agent.client.list_tools()).tools}["twice__example"]
        assert "THE total" in first
        assert (await place.run("rollback", "twice"))[0] == 0
        while "THE total" in {t.name: t.description for t in (await agent.client.list_tools()).tools}["twice__example"]:
            await agent.tools()


async def test_a_fresh_clone_is_qualified_here_before_it_is_mounted(place, make_place):
    await place.run("submit", str(place.draft("travelled")))
    clone = make_place("clone")
    for name in ("generated", "registry.json"):
        source = place.home / name
        target = clone.home / name
        clone.home.mkdir(exist_ok=True)
        if source.is_dir():
            import shutil

            shutil.copytree(source, target)
        else:
            target.write_bytes(source.read_bytes())
    async with clone.client() as agent:
        assert "travelled__example" not in await agent.tools()
        await agent.until_listed("travelled__example")


async def test_a_corrupt_registry_is_set_aside_and_rebuilt(place):
    await place.run("submit", str(place.draft("kept")))
    (place.home / "registry.json").write_text("{ not json")
    async with place.client() as agent:
        await agent.until_listed("kept__example")
        stats = await agent.ask("harnessgym.stats")
    assert any("registry.json" in note for note in stats["notes"])
    assert [p.name for p in place.home.glob("registry.json.corrupt-*")]


async def test_a_corrupt_telemetry_file_is_set_aside_and_told(place):
    await place.run("submit", str(place.draft("counted")))
    (place.home / "telemetry.sqlite").write_bytes(b"no database " * 1000)
    async with place.client() as agent:
        await agent.client.call_tool("counted__example", {"values": [1]})
        stats = await agent.ask("harnessgym.stats", scope="all")
    assert [c["calls"] for c in stats["calls"]] == [1]
    assert any("telemetry" in note for note in stats["notes"])


async def test_stdout_carries_frames_alone_even_for_garbage(place):
    import anyio

    frames = (
        b"garbage\n" + b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n' + b'{"jsonrpc":"2.0","id":2,"method":"initialize"'
    )
    done = await anyio.run_process(place.argv("serve"), input=frames + b"\n", check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [a.get("id") for a in answers] == [None, 1, 2]
    assert ["error" in a for a in answers] == [True, False, True]


async def test_tools_can_be_found_described_and_dispatched(place):
    await place.run("submit", str(place.draft("finder")))
    async with place.client(name="codex-mcp-client") as agent:
        found = await agent.ask("harnessgym.tools", query="total of numbers")
        assert [t["tool"] for t in found["tools"]] == ["finder__example"]
        described = await agent.ask("harnessgym.tools", name="finder__example")
        assert described["your_name_for_it"] == "mcp__harnessgym__finder__example"
        assert described["tool"]["inputSchema"]["type"] == "object"
        result = await agent.client.call_tool(
            "harnessgym.call", {"tool": join("finder", "example"), "arguments": {"values": [2]}}
        )
        assert not result.is_error
        stats = await agent.ask("harnessgym.stats")
        assert stats["calls"][0]["via"]["call"] == 1
