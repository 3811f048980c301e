"""What mounted servers offer beside tools reaches the client under its namespace, and the client's words reach them."""

import json

import pytest

from harnessgym_mcp.core.lifecycle import Version

PROMPTS = [{"name": "greet", "arguments": [{"name": "who"}]}]
RESOURCES = [{"uri": "memo://notes/one", "name": "one"}, {"uri": "ui://view", "name": "view"}]
TEMPLATES = [{"uriTemplate": "memo://{id}", "name": "any"}]
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}, "roots": {}}, "clientInfo": {"name": "t"}}


@pytest.fixture
def offering(server):
    async def make() -> Version:
        version = await server("offering")
        return Version(
            digest=version.digest, launch=version.launch, tools=version.tools, pins=version.pins, tier="A",
            prompts=PROMPTS, resources=RESOURCES, templates=TEMPLATES,
        )  # fmt: skip

    return make


async def test_lists_are_merged_under_namespaces_without_starting_anything(bench, offering):
    await bench.mount(lab=await offering())
    prompts = await bench.request("prompts/list")
    resources = await bench.request("resources/list")
    templates = await bench.request("resources/templates/list")
    assert [p["name"] for p in prompts["result"]["prompts"]] == ["lab__greet"]
    assert [r["uri"] for r in resources["result"]["resources"]] == ["memo://lab__notes/one", "ui://lab__view"]
    assert [t["uriTemplate"] for t in templates["result"]["resourceTemplates"]] == ["memo://lab__{id}"]
    assert bench.spawner.started == []


async def test_a_prompt_and_a_resource_are_fetched_by_their_listed_names(bench, offering):
    await bench.mount(lab=await offering())
    got = await bench.request("prompts/get", {"name": "lab__greet"})
    assert got["result"]["messages"][0]["content"]["text"] == "hello greet"
    read = await bench.request("resources/read", {"uri": "memo://lab__notes/one"})
    assert read["result"]["contents"][0] == {
        "uri": "memo://lab__notes/one", "mimeType": "text/plain", "text": "read memo://notes/one",
    }  # fmt: skip


async def test_a_link_in_a_result_can_be_followed(bench, offering):
    await bench.mount(lab=await offering())
    linked = await bench.call("lab__link")
    uri = linked["result"]["content"][0]["uri"]
    assert uri == "memo://lab__notes/one"
    assert "result" in await bench.request("resources/read", {"uri": uri})


async def test_a_subscriber_alone_is_told_of_an_update(bench, offering):
    await bench.mount(lab=await offering())
    await bench.request("initialize", HELLO)
    await bench.call("lab__touch")
    assert not [f for f in bench.frames if f.get("method") == "notifications/resources/updated"]
    await bench.request("resources/subscribe", {"uri": "memo://lab__notes/one"})
    await bench.call("lab__touch")
    told = [f["params"]["uri"] for f in bench.frames if f.get("method") == "notifications/resources/updated"]
    assert told == ["memo://lab__notes/one"]
    logged = [f["params"] for f in bench.frames if f.get("method") == "notifications/message"]
    assert logged[0] == {"level": "info", "logger": "lab/sub", "data": ["resources/subscribe", "memo://notes/one"]}


async def test_completion_names_the_servers_own_reference(bench, offering):
    await bench.mount(lab=await offering())
    for key, listed, own in (("name", "lab__greet", "greet"), ("uri", "memo://lab__{id}", "memo://{id}")):
        answer = await bench.request("completion/complete", {"ref": {"type": "ref", key: listed}, "argument": {}})
        assert json.loads(answer["result"]["completion"]["values"][0]) == {"type": "ref", key: own}


async def test_a_log_level_reaches_servers_that_are_started_later_too(bench, offering):
    await bench.mount(lab=await offering())
    await bench.request("logging/setLevel", {"level": "debug"})
    await bench.call("lab__link")
    answer = await bench.call("lab__level")
    assert answer["result"]["content"][0]["text"] == "debug"


async def test_a_changed_list_is_asked_for_anew_and_announced(bench, offering):
    await bench.mount(lab=await offering())
    await bench.request("initialize", HELLO)
    await bench.call("lab__more")
    await bench.until(lambda: [f for f in bench.frames if f.get("method") == "notifications/prompts/list_changed"])
    listed = await bench.request("prompts/list")
    assert [p["name"] for p in listed["result"]["prompts"]] == ["lab__greet", "lab__part"]


@pytest.mark.parametrize(("granted", "outcome"), [(True, "result"), (False, "error")])
async def test_a_servers_question_goes_up_where_policy_grants_it(make_bench, offering, granted, outcome):
    bench = make_bench(grants__sampling=granted)
    await bench.mount(lab=await offering())
    await bench.request("initialize", HELLO)
    id = bench.ask("tools/call", {"name": "lab__ask", "arguments": {"method": "sampling/createMessage"}})
    if granted:
        asked = await bench.until(lambda: [f for f in bench.frames if f.get("method") == "sampling/createMessage"])
        bench.send({"jsonrpc": "2.0", "id": asked[0]["id"], "result": {"role": "assistant"}})
    answer = await bench.until(lambda: bench.answer(id))
    said = json.loads(answer["result"]["content"][0]["text"])
    assert said["id"] == "q1"
    assert outcome in said


async def test_names_of_nobody_are_refused_without_a_start(bench, offering):
    await bench.mount(lab=await offering())
    for method, params in (("resources/read", {"uri": "memo://else__x"}), ("prompts/get", {"name": "else__x"})):
        assert "error" in await bench.request(method, params)
    assert bench.spawner.started == []
