"""Whose calls `stats` counts."""


async def test_scope_run_counts_the_run_s_calls_and_outside_any_run_the_session_s(place):
    assert (await place.run("submit", str(place.draft("quiet"))))[0] == 0
    told = {}
    for session, more in (("s-1", ()), ("s-2", ("--labels", "run=r1")), ("s-3", ("--labels", "run=r1"))):
        async with place.client("legacy", session, "claude-code", *more) as agent:
            assert not (await agent.client.call_tool("quiet__example", {"values": [1]})).is_error
            for scope in ("session", "run", "all"):
                answer = await agent.ask("harnessgym.stats", scope=scope)
                told[session, scope] = sum(call["calls"] for call in answer["calls"])
                assert answer["never_used"] == []
    assert [told["s-1", scope] for scope in ("session", "run", "all")] == [1, 1, 1]
    assert [told["s-3", scope] for scope in ("session", "run", "all")] == [1, 2, 3]
