"""Servers that crash, hang, lie and flood: their own problem, and nobody else's."""

import asyncio
import os
import signal
import time

import pytest

from harnessgym_mcp.core.launch import Wire


async def test_a_death_in_mid_call_is_answered_at_once_and_the_next_call_is_served(bench, server):
    await bench.mount(crash=await server("crash_on_call"), fine=await server("echo"))
    await bench.call("crash__echo")
    dead = await bench.call("crash__crash")
    assert dead["error"]["data"]["code"] == "upstream-died"
    assert "exited with code 3" in dead["error"]["message"]
    assert "result" in await bench.call("crash__echo")
    assert "result" in await bench.call("fine__echo")
    assert [r.status for r in bench.rows.rows] == ["completed", "crashed", "completed", "completed"]


async def test_a_killed_server_answers_its_caller_quickly(bench, server):
    await bench.mount(hang=await server("hang_on_call"))
    await bench.call("hang__echo")
    id = bench.ask("tools/call", {"name": "hang__hang"})
    pid = bench.table.mounts["hang"].status()["pid"]
    started = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    answer = await bench.until(lambda: bench.answer(id))
    assert "SIGKILL" in answer["error"]["message"]
    assert time.perf_counter() - started < 2  # the figure itself is the benchmark's business


async def test_a_server_that_cannot_start_says_why_and_its_circuit_opens(make_bench, server):
    bench = make_bench(mounts__backoff_first=0.01, mounts__circuit_failures=3, timeouts__start=5)
    good = await server("echo")
    launch = good.launch.__class__(
        command=good.launch.command, args=[good.launch.args[2].replace("echo.py", "exit_at_start.py")]
    )
    await bench.mount(
        gone=good.__class__(digest="sha256:1", launch=launch, tools=good.tools, pins=good.pins), fine=good
    )
    answers = [await bench.call("gone__echo") for _ in range(4)]
    assert all("error" in a for a in answers)
    assert "stderr" in answers[0]["error"]["message"]
    assert "in a row" in answers[3]["error"]["message"]
    assert bench.table.mounts["gone"].status()["state"] == "broken"
    assert "result" in await bench.call("fine__echo")


async def test_a_hanging_call_times_out_and_delays_nobody(make_bench, server):
    bench = make_bench(timeouts__call=0.3)
    await bench.mount(hang=await server("hang_on_call"), fine=await server("echo"))
    await bench.call("hang__echo")
    hung = bench.ask("tools/call", {"name": "hang__hang"})
    assert "result" in await bench.call("fine__echo")
    assert "result" in await bench.call("hang__echo")
    assert bench.answer(hung) is None
    await asyncio.wait_for(_sweep_until(bench, hung), 10)
    assert bench.answer(hung)["error"]["data"]["code"] == "call-timeout"
    assert bench.table.mounts["hang"].restarts == 0


async def _sweep_until(bench, id):
    loop = asyncio.get_running_loop()
    while not bench.answer(id):
        bench.switchboard.sweep()
        turn = asyncio.Event()
        loop.call_later(0.02, turn.set)
        await turn.wait()


@pytest.mark.parametrize(
    "script", ["stray_stdout", "big_stderr", "duplicate_answers", "logs", "header_framing", "threaded"]
)
async def test_a_noisy_server_still_serves(bench, server, script):
    headers = Wire(framing="headers", legacy="2025-11-25") if script == "header_framing" else None
    version = await server(script, wire=headers)
    tool = version.tools[0]["name"]
    await bench.mount(noisy=version)
    ids = [bench.ask("tools/call", {"name": f"noisy__{tool}", "arguments": {"value": n}}) for n in range(20)]
    for id in ids:
        answer = await bench.until(lambda id=id: bench.answer(id))
        assert "result" in answer
    assert len([f for f in bench.frames if f.get("id") in ids]) == len(ids)


async def test_a_late_answer_never_goes_to_the_next_caller(make_bench, server):
    bench = make_bench(timeouts__call=0.2)
    await bench.mount(late=await server("late_answer"))
    first = bench.ask("tools/call", {"name": "late__late", "arguments": {"value": "first"}})
    await asyncio.wait_for(_sweep_until(bench, first), 10)
    second = await bench.call("late__echo", {"value": "second"})
    assert "second" in second["result"]["content"][0]["text"]
    assert len([f for f in bench.frames if f.get("id") == first]) == 1


async def test_an_answer_to_an_unknown_id_is_dropped_and_told(make_bench, server):
    bench = make_bench(timeouts__call=0.3)
    await bench.mount(wrong=await server("wrong_id"))
    id = bench.ask("tools/call", {"name": "wrong__wrong"})
    await asyncio.wait_for(_sweep_until(bench, id), 10)
    assert bench.answer(id)["error"]["data"]["code"] == "call-timeout"
    assert bench.table.mounts["wrong"].status()["late_answers"] >= 1


async def test_broken_json_with_a_readable_id_fails_that_call_alone(make_bench, server):
    bench = make_bench(timeouts__call=2)
    await bench.mount(bad=await server("malformed_json"))
    answer = await bench.call("bad__broken")
    assert answer["error"]["data"]["code"] == "upstream-protocol"
    assert "result" in await bench.call("bad__echo")


async def test_a_flood_without_newline_is_bounded(make_bench, server):
    bench = make_bench(limits__frame_bytes=1_000_000)
    await bench.mount(flood=await server("flood_stdout"), fine=await server("echo"))
    id = bench.ask("tools/call", {"name": "flood__flood"})
    answer = await bench.until(lambda: bench.answer(id))
    assert "error" in answer
    assert "result" in await bench.call("fine__echo")


async def test_a_server_that_lists_other_tools_than_qualified_is_unmounted(bench, server):
    version = await server("echo")
    lying = version.__class__(
        digest="sha256:2", launch=version.launch, tools=version.tools, pins={**version.pins, "echo": "sha256:other"}
    )
    await bench.mount(liar=lying)
    answer = await bench.call("liar__echo")
    assert "not those that were qualified" in answer["error"]["message"]
    assert bench.drifts == [["echo"]]
    listed = await bench.request("tools/list")
    assert not [t for t in listed["result"]["tools"] if t["name"].startswith("liar")]


async def test_a_server_that_grows_a_tool_while_it_runs_is_unmounted(bench, server):
    await bench.mount(grow=await server("growing_tools"))
    await bench.call("grow__grow")
    await bench.until(lambda: bench.drifts, "the drift")
    assert bench.table.mounts["grow"].state == "drifted"


async def test_a_server_that_announces_changes_all_the_time_is_asked_now_and_then(make_bench, server):
    async def lists() -> int:
        return int((await bench.call("loud__lists"))["result"]["content"][0]["text"])

    bench = make_bench(mounts__relist_pause=60.0)
    await bench.mount(loud=await server("announcing_tools"))
    for _ in range(5):
        await bench.call("loud__flood")
    before = await lists()
    assert before == 2  # at the start, and once for all that was announced
    assert await lists() == 2

    bench = make_bench(mounts__relist_pause=0.0)
    await bench.mount(loud=await server("announcing_tools"))
    await bench.call("loud__flood")
    async with asyncio.timeout(30):
        while await lists() < 10:  # each listing is looked after, one after the other
            continue


async def test_a_server_that_ignores_eof_is_ended_all_the_same(make_bench, server):
    bench = make_bench(timeouts__close=0.2)
    await bench.mount(deaf=await server("ignore_eof"))
    await bench.call("deaf__echo")
    pid = bench.table.mounts["deaf"].status()["pid"]
    await bench.table.close(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_server_that_does_not_read_is_refused_further_calls(make_bench, server):
    bench = make_bench(mounts__queue=2, mounts__concurrency=2, timeouts__call=0.5)
    await bench.mount(deaf=await server("reads_nothing"))
    await bench.call("deaf__echo")
    bench.ask("tools/call", {"name": "deaf__deaf"})
    ids = [bench.ask("tools/call", {"name": "deaf__echo", "arguments": {"value": "x" * 100_000}}) for _ in range(8)]
    refused = await bench.until(lambda: bench.answer(ids[-1]))
    assert "busy" in refused["error"]["message"]


async def test_replacing_a_version_loses_no_call_under_way(bench, server):
    slow = await server("threaded")
    await bench.mount(one=slow)
    id = bench.ask("tools/call", {"name": "one__wait", "arguments": {"ms": 300, "value": "kept"}})
    assert bench.table.reconcile({"one": await server("echo")})
    answer = await bench.until(lambda: bench.answer(id))
    assert "kept" in answer["result"]["content"][0]["text"]
    assert "result" in await bench.call("one__echo")


async def test_a_start_that_fails_in_an_unforeseen_way_still_answers_its_caller(bench, server):
    version = await server("echo")
    bench.spawner.guard = None  # not callable: a defect in our own spawner
    await bench.mount(odd=version)
    answer = await bench.call("odd__echo")
    assert answer["error"]["data"]["code"] == "upstream-start"


@pytest.mark.parametrize("place", ["content", "type", "text", "plain", "resultType", "complete", "key"])
async def test_an_answer_that_is_not_utf8_fails_its_call_alone(bench, server, place):
    await bench.mount(bad=await server("malformed_json"))
    assert "result" in await bench.call("bad__echo", {"value": 1})
    pid = bench.table.mounts["bad"].status()["pid"]
    failed = await bench.call("bad__stray-byte", {"place": place})
    assert failed["error"]["data"]["code"] == "upstream-protocol"
    assert "result" in await bench.call("bad__echo", {"value": 1})
    assert bench.table.mounts["bad"].status()["pid"] == pid
