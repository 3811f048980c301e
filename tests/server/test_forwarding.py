"""Forwarding: what a client sends reaches the server, and the server's answer the client, unharmed."""

import json

import pytest

from harnessgym_mcp.server.recorder import Reading

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def test_a_call_reaches_its_server_under_the_servers_own_name(bench, server):
    await bench.mount(echo=await server("echo"))
    answer = await bench.call("echo__echo", {"value": "hé \u2028"})
    assert json.loads(answer["result"]["content"][0]["text"])["value"] == "hé \u2028"


async def test_listing_starts_no_process_and_the_first_call_starts_one(bench, server):
    await bench.mount(echo=await server("echo"), other=await server("counter"))
    listed = await bench.request("tools/list")
    assert [t["name"] for t in listed["result"]["tools"]][:3] == ["harnessgym.stats", "harnessgym.call", "echo__add"]
    assert bench.spawner.started == []
    await bench.call("echo__echo")
    assert bench.spawner.started == ["echo"]


@pytest.mark.parametrize("id", [7, "a-b", "7", -3, 12345678901234567890123, "ü"])
async def test_the_clients_id_comes_back_as_it_was_spelt(bench, server, id):
    await bench.mount(echo=await server("echo"))
    bench.send({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo__echo"}})
    frame = await bench.until(lambda: bench.answer(id))
    assert frame["id"] == id
    assert type(frame["id"]) is type(id)


async def test_two_requests_with_one_id_are_not_confused(bench, server):
    await bench.mount(hang=await server("hang_on_call"))
    bench.ask("tools/call", {"name": "hang__hang"}, id=5)
    bench.ask("tools/call", {"name": "hang__echo"}, id=5)
    refused = await bench.until(lambda: bench.answer(5))
    assert refused["error"]["code"] == -32600


async def test_each_call_is_one_row_with_its_real_outcome(bench, server):
    await bench.mount(errors=await server("error_results"), echo=await server("echo"))
    await bench.call("errors__fails")
    await bench.call("errors__refuses")
    await bench.call("echo__echo", {"value": 1, "zwei": 2}, threadId="t-1")
    await bench.request("tools/list")
    rows = bench.rows.rows
    assert [r.status for r in rows] == ["tool_error", "protocol_error", "completed"]
    assert (rows[2].artifact, rows[2].tool, rows[2].thread) == ("echo", "echo", "t-1")
    assert json.loads(rows[2].argument_keys) == ["value", "zwei"]
    assert json.loads(rows[2].content_kinds) == {"text": 1}
    assert rows[2].arguments is None
    assert rows[2].argument_bytes == len(b'{"value": 1, "zwei": 2}')


async def test_what_calls_of_one_client_to_one_tool_have_in_common_is_told_once(bench, server):
    await bench.mount(echo=await server("echo"))
    for value in range(3):
        await bench.call("echo__echo", {"value": value})
    ended = Reading(bench.policy)(bench.rows.calls)
    assert (len(ended.common), [place for place, *_ in ended.calls]) == (1, [0, 0, 0])


async def test_a_call_that_holds_much_memory_is_not_kept_for_its_row(bench, server):
    await bench.mount(echo=await server("echo"))
    await bench.call("echo__echo", {"value": "small"})
    assert bench.rows.heavy == 0
    await bench.call("echo__echo", {"value": 1}, padding="x" * 20_000)
    assert bench.rows.heavy == 1
    await bench.call("echo__echo", {"value": "x" * 20_000})
    assert bench.rows.heavy == 2


async def test_the_dispatcher_calls_the_real_tool_and_says_so(bench, server):
    await bench.mount(echo=await server("echo"))
    answer = await bench.call("harnessgym.call", {"tool": "echo__echo", "arguments": {"value": 9}})
    assert json.loads(answer["result"]["content"][0]["text"])["value"] == 9
    assert [(r.tool, r.via) for r in bench.rows.rows] == [("echo", "call")]


async def test_the_dispatcher_does_not_call_itself(bench):
    answer = await bench.call("harnessgym.call", {"tool": "harnessgym.call", "arguments": {}})
    assert answer["error"]["code"] == -32602
    assert "not itself" in answer["error"]["message"]


@pytest.mark.parametrize("name", ["mcp__harnessgym__echo-er__echo", "mcp__harnessgym__echo_er__echo", "echo_er__echo"])
async def test_every_spelling_that_a_client_uses_finds_the_tool(bench, server, name):
    await bench.mount(echo_er=await server("echo"))
    answer = await bench.call("harnessgym.call", {"tool": name, "arguments": {"value": 1}})
    assert "result" in answer


async def test_an_unknown_tool_is_refused_with_near_matches(bench, server):
    await bench.mount(echo=await server("echo"))
    answer = await bench.call("echo__ecko")
    assert answer["error"]["code"] == -32602
    assert "echo__echo" in answer["error"]["message"]


async def test_odd_json_survives(bench, server):
    await bench.mount(odd=await server("odd_json"))
    for tool in ("surrogate", "integers", "twice"):
        await bench.call(f"odd__{tool}")
    assert [r.status for r in bench.rows.rows] == ["completed"] * 3
    whole = b"\n".join(bench.raw)
    assert b"\\udce9" in whole.lower()
    assert b"123456789012345678901234567890" in whole


async def test_an_answer_nested_beyond_reading_is_an_error_for_its_caller(bench, server):
    await bench.mount(odd=await server("odd_json"))
    answer = await bench.call("odd__deep")
    assert answer["error"]["data"]["code"] == "upstream-protocol"
    assert "result" in await bench.call("odd__integers")


async def test_progress_bears_the_callers_token_and_cancel_its_reason(bench, server):
    await bench.mount(work=await server("progress"))
    await bench.call("work__work", {"steps": 2}, progressToken="tok")
    steps = [f["params"] for f in bench.frames if f.get("method") == "notifications/progress"]
    assert [(s["progressToken"], s["progress"]) for s in steps] == [("tok", 1), ("tok", 2)]
    slow = bench.ask("tools/call", {"name": "work__work", "arguments": {"steps": 1, "ms": 60_000}})
    bench.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": slow, "reason": "why"}})
    answer = await bench.call("work__cancelled")
    assert json.loads(answer["result"]["content"][0]["text"]) == ["why"]
    assert bench.answer(slow) is None
    assert "cancelled" in [r.status for r in bench.rows.rows]


async def test_a_modern_client_is_served_by_a_legacy_server_and_the_reverse(bench, server):
    await bench.mount(old=await server("echo"), new=await server("modern_only"))
    modern = await bench.call("old__echo", {"value": 1}, **MODERN)
    assert modern["result"]["resultType"] == "complete"
    seen = json.loads(modern["result"]["content"][0]["text"])
    assert "io.modelcontextprotocol" not in json.dumps(seen)
    assert "result" in await bench.call("new__echo", {"value": 1})
    assert "result" in await bench.call("new__echo", {"value": 1}, **MODERN)


@pytest.mark.parametrize(
    ("meta", "code"),
    [
        ({"io.modelcontextprotocol/protocolVersion": "2031-01-01"}, -32022),
        ({"io.modelcontextprotocol/protocolVersion": "2026-07-28"}, -32602),
    ],
)
async def test_a_wrong_envelope_is_refused(bench, meta, code):
    answer = await bench.request("tools/list", {"_meta": meta})
    assert answer["error"]["code"] == code


async def test_both_eras_are_answered_on_one_pipe(bench):
    discovered = await bench.request("server/discover", {"_meta": MODERN})
    assert "2026-07-28" in discovered["result"]["supportedVersions"]
    greeted = await bench.request(
        "initialize", {"protocolVersion": "2024-11-05", "clientInfo": {"name": "claude-code"}}
    )
    assert greeted["result"]["protocolVersion"] == "2024-11-05"
    assert "resultType" not in greeted["result"]
    listed = await bench.request("tools/list", {"_meta": MODERN})
    assert listed["result"]["ttlMs"] == 0
    assert listed["result"]["resultType"] == "complete"


@pytest.mark.parametrize(
    ("frame", "code", "id"),
    [
        (b'{"jsonrpc":"2.0","id":9,"method":', -32700, 9),
        (b'{"jsonrpc":"2.0","id":"x","method":"tools/call","params":[1]}', -32600, "x"),
        (b'{"jsonrpc":"2.0","id":3}', -32600, 3),
        (b"{}", -32600, None),
        (b"[]", -32600, None),
        (b'{"id":4,"method":"tools/call","params":{"name":' + b"[" * 100_000, -32700, 4),
        (b'{"id":4,"method":"tools/call","params":{"name":7}}', -32602, 4),
        (b'{"id":4,"method":"tools/call","params":{"name":"\xff"}}', -32700, 4),
        (b'{"id":4,"method":"tools/call"}', -32602, 4),
        (b'{"id":4,"method":"no/such"}', -32601, 4),
    ],
)
async def test_a_malformed_frame_gets_an_error_and_life_goes_on(bench, frame, code, id):
    bench.send(frame)
    refused = await bench.until(lambda: bench.answer(id))
    assert refused["error"]["code"] == code
    assert "result" in await bench.request("ping")


@pytest.mark.parametrize(
    "frame",
    [
        b'{"jsonrpc":"2.0","id":9,"method":"\xff"}',
        b'{"jsonrpc":"2.0","id":9,"method":"ping","params":{"\xff":1}}',
        b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"echo__echo","arguments":{"value":"\xff"}}}',
    ],
)
async def test_a_frame_that_is_not_utf8_gets_an_error_and_life_goes_on(bench, server, frame):
    await bench.mount(echo=await server("echo"))
    bench.send(frame)
    assert bench.answer(9)["error"]["code"] == -32700
    bench.send(b"[%b]" % frame)
    assert len(bench.frames) == 2
    assert bench.frames[1]["error"]["code"] == -32700
    assert "result" in await bench.call("echo__echo", {"value": "still here"})


async def test_half_a_surrogate_pair_passes_in_either_spelling(bench, server):
    await bench.mount(echo=await server("echo"))
    for spelt in (b"\\ud800", b"\xed\xa0\x80"):
        bench.send(
            b'{"jsonrpc":"2.0","id":"%d","method":"tools/call","params":{"name":"echo__echo","arguments":'
            b'{"value":"%b"}}}' % (len(spelt), spelt)
        )
        id = str(len(spelt))
        answer = await bench.until(lambda id=id: bench.answer(id))
        assert json.loads(answer["result"]["content"][0]["text"])["value"] == "\ud800"
