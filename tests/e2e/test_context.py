"""Context economy: what is not listed can still be found and called."""


async def test_a_tool_that_is_not_listed_is_found_and_called(place):
    assert (await place.run("submit", str(place.draft("quiet"))))[0] == 0
    place.flags += ["--set", "context.expose=search"]
    async with place.client() as agent:
        assert [n for n in await agent.tools() if not n.startswith("harnessgym.")] == []
        found = await agent.ask("harnessgym.tools", query="total of numbers")
        assert [t["tool"] for t in found["tools"]] == ["quiet__example"]
        called = await agent.client.call_tool(
            "harnessgym.call", {"tool": "quiet__example", "arguments": {"values": [1]}}
        )
        assert not called.is_error
        assert not (await agent.client.call_tool("quiet__example", {"values": [2]})).is_error
        context = (await agent.ask("harnessgym.stats"))["context"]
    assert context["found_only"] == ["quiet"]
    assert context["by_artifact"]["quiet"] > 20


async def test_a_new_tool_is_listed_even_beyond_the_budget_while_it_is_recent(place):
    place.flags += ["--set", "context.budget_tokens=150"]
    async with place.client() as agent:
        for name in ("first", "second"):
            await agent.ask(
                "harnessgym.reflect", selected={"name": name, "why": f"{name} was missing", "tools": [f"{name}-it"]}
            )
            answer = await agent.ask("harnessgym.submit_artifact")
            assert answer["status"] == "qualified", answer["findings"]
        mounted = [n for n in await agent.tools() if not n.startswith("harnessgym.")]
    assert mounted == ["second__second-it"]


async def test_an_entry_of_another_name_is_in_the_names_that_answers_spell(place):
    assert (await place.run("submit", str(place.draft("quiet"))))[0] == 0
    async with place.client("legacy", "s-1", "claude-code", "--entry", "mine") as agent:
        spelt = (await agent.ask("harnessgym.tools", name="quiet__example"))["your_name_for_it"]
        called = await agent.client.call_tool("harnessgym.call", {"tool": spelt, "arguments": {"values": [1]}})
    assert (spelt, called.is_error) == ("mcp__mine__quiet__example", False)
