"""What a server says of its own accord reaches the client that it is about, and no other."""

import json

import pytest

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "t"}}
QUESTION = "sampling/createMessage"


class Peer:
    """Another client of the same switchboard."""

    def __init__(self, bench):
        self.frames = []
        self._bench = bench
        self._client = bench.new_client("s2", self.frames)

    def send(self, message):
        self._bench.switchboard.receive(self._client, json.dumps({"jsonrpc": "2.0"} | message).encode())

    def call(self, name, arguments):
        self.send({"id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}})


@pytest.fixture
def asking(make_bench):
    """A switchboard that lets servers ask, with two clients that can be asked."""
    bench = make_bench(grants__sampling=True)
    other = Peer(bench)
    bench.ask("initialize", HELLO)
    other.send({"id": 0, "method": "initialize", "params": HELLO})
    return bench, other


async def question(bench, frames):
    return await bench.until(lambda: next((f for f in frames if f.get("method") == QUESTION), None), "a question")


def answer_to(asked, said):
    return {"jsonrpc": "2.0", "id": asked["id"], "result": {"said": said}}


def told(frames, id):
    return next((f["result"]["content"][0]["text"] for f in frames if f.get("id") == id and "result" in f), None)


async def test_a_servers_question_goes_to_the_client_that_called_it_last(asking, server):
    bench, other = asking
    await bench.mount(lab=await server("server_requests"))
    first = bench.ask("tools/call", {"name": "lab__ask", "arguments": {"method": QUESTION}})
    asked_first = await question(bench, bench.frames)
    other.call("lab__ask", {"method": QUESTION})
    asked_last = await question(bench, other.frames)
    other.send(answer_to(asked_last, "last"))
    await bench.until(lambda: told(other.frames, 1))
    bench.send(answer_to(asked_first, "first"))
    await bench.until(lambda: told(bench.frames, first))
    assert [json.loads(told(*at)) for at in ((bench.frames, first), (other.frames, 1))] == [
        {"said": "first"}, {"said": "last"},
    ]  # fmt: skip


async def test_a_servers_question_never_goes_to_a_client_that_called_another_server(asking, server):
    bench, other = asking
    version = await server("server_requests")
    await bench.mount(lab=version, work=await server("hang_on_call"))
    called = bench.ask("tools/call", {"name": "lab__ask", "arguments": {"method": QUESTION}})
    other.call("work__hang", {})  # later, and under way when the question comes
    bench.send(answer_to(await question(bench, bench.frames), "mine"))
    assert json.loads(await bench.until(lambda: told(bench.frames, called))) == {"said": "mine"}
    assert [f for f in other.frames if f.get("method") == QUESTION] == []


async def test_log_messages_reach_the_client_with_a_call_under_way_there(bench, server):
    other = Peer(bench)
    await bench.mount(logs=await server("logs"), work=await server("hang_on_call"))
    other.call("work__hang", {})
    await bench.call("logs__chat")
    assert [f["params"]["level"] for f in bench.frames if f.get("method") == "notifications/message"] == [
        "debug", "warning", "error",
    ]  # fmt: skip
    assert [f for f in other.frames if f.get("method") == "notifications/message"] == []
