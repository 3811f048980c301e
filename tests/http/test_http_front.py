"""Streamable HTTP over the switchboard: sessions, streams, both eras, the everything-server behind it."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.http.conftest import Caller, events, messages


def call(name: str, arguments: dict[str, object] | None = None, **meta: object) -> dict[str, object]:
    return {"name": name, "arguments": arguments or {}} | ({"_meta": meta} if meta else {})


def test_a_session_is_opened_used_and_ended(everything: str) -> None:
    caller = Caller(everything).initialize()
    answer = caller.ask("tools/call", call("test_simple_text"), id=7)
    assert answer["id"] == 7
    assert answer["result"]["content"][0]["text"] == "This is a simple text response for testing."
    assert caller.open("DELETE").status == 200
    assert caller.post("ping").status == 404


def test_unknown_members_big_integers_and_nulls_pass_in_both_eras(everything: str) -> None:
    odd = {"unknown": {"big": 2**80, "none": None}, "vendor/x": [1.5, "é"]}
    for ask in (Caller(everything).initialize().ask, Caller(everything).modern):
        result = ask("tools/call", call("test_simple_text", odd, **{"vendor/y": 2**70}))["result"]
        assert result["content"][0]["type"] == "text", result


def test_progress_comes_on_its_own_requests_stream_before_the_answer_and_with_its_token(everything: str) -> None:
    caller = Caller(everything).initialize()

    def progressing(number: int) -> list[dict[str, object]]:
        return messages(caller.post("tools/call", call("test_tool_with_progress", progressToken=number), id=number))

    with ThreadPoolExecutor(4) as pool:
        for number, heard in enumerate(pool.map(progressing, range(4))):
            *told, answer = heard
            assert [m["params"]["progressToken"] for m in told] == [number] * 3, heard
            assert [m["params"]["progress"] for m in told] == [0, 50, 100]
            assert answer["id"] == number


def test_two_sessions_use_the_same_ids_without_meeting(everything: str) -> None:
    def progressing(caller: Caller) -> list[dict[str, object]]:
        return messages(caller.post("tools/call", call("test_tool_with_progress", progressToken="t"), id="same"))

    callers = [Caller(everything).initialize() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for heard in pool.map(progressing, callers):
            *told, answer = heard
            assert [m["params"]["progressToken"] for m in told] == ["t"] * 3, heard
            assert answer["id"] == "same"


def test_requests_without_sessions_use_the_same_ids_without_meeting(everything: str) -> None:
    def ask(number: int) -> dict[str, object]:
        return Caller(everything).modern(
            "prompts/get", {"name": "test_prompt_with_arguments", "arguments": {"arg1": str(number), "arg2": "x"}}
        )

    with ThreadPoolExecutor(8) as pool:
        for number, answer in enumerate(pool.map(ask, range(24))):
            assert f"arg1='{number}'" in json.dumps(answer), answer


def test_a_session_does_not_see_what_another_was_sent(everything: str) -> None:
    one, other = Caller(everything).initialize(), Caller(everything).initialize()
    response = one.post("tools/call", call("test_simple_text"), id=3)
    last, _ = list(events(response))[-1]
    first = str(int(last) - 1)
    own = one.open("GET", headers={"Last-Event-ID": first})
    assert next(events(own))[1]["id"] == 3
    stranger = other.open("GET", headers={"Last-Event-ID": first})
    assert messages(stranger) == []


def test_what_a_broken_stream_missed_is_sent_to_the_client_that_comes_back(everything: str) -> None:
    caller = Caller(everything).initialize()
    response = caller.post("tools/call", call("test_tool_with_progress", progressToken=1), id=5)
    event, message = next(events(response))
    assert message["params"]["progress"] == 0
    response.close()
    again = caller.open("GET", headers={"Last-Event-ID": event})
    heard = []
    for _, message in events(again):
        heard.append(message)
        if "id" in message:
            break
    assert [m["params"]["progress"] for m in heard[:-1]] == [50, 100]
    assert heard[-1]["id"] == 5


def test_a_listening_client_is_told_of_changes_and_of_nothing_else(modern_everything: str) -> None:
    caller = Caller(modern_everything)
    with closing(caller.open_modern("subscriptions/listen", {"notifications": {"promptsListChanged": True}}, 9)) as at:
        stream = events(at)
        assert next(stream)[1]["method"] == "notifications/subscriptions/acknowledged"
        caller.modern("tools/call", call("test_trigger_tool_change"))
        caller.modern("tools/call", call("test_trigger_prompt_change"))
        _, told = next(stream)
        assert told["method"] == "notifications/prompts/list_changed"
        assert told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 9


def test_log_messages_are_for_the_request_that_asked_for_them(everything: str) -> None:
    Caller(everything).initialize().ask("tools/call", call("test_simple_text"))  # the server speaks the older era
    caller = Caller(everything)
    assert len(messages(caller.open_modern("tools/call", call("test_tool_with_logging")))) == 1
    level = {"io.modelcontextprotocol/logLevel": "info"}
    heard = messages(caller.open_modern("tools/call", call("test_tool_with_logging", **level)))
    assert [m.get("method") for m in heard] == ["notifications/message"] * 3 + [None]


def test_errors_keep_their_code_and_data_and_http_its_status(modern_everything: str) -> None:
    caller = Caller(modern_everything)
    response = caller.open_modern("tools/call", call("test_missing_capability"), id="q")
    assert response.status == 400
    error = messages(response)[0]
    assert (error["id"], error["error"]["code"]) == ("q", -32021)
    assert error["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}
    assert caller.open_modern("no/such", id=2).status == 404
    assert caller.open_modern("ping", id=2).status == 404


def test_an_id_in_use_is_refused_and_the_first_request_still_answered(everything: str) -> None:
    caller = Caller(everything).initialize()
    first = caller.post("tools/call", call("test_tool_with_progress", progressToken=1), id=1)
    stream = events(first)
    next(stream)
    second = caller.post("tools/call", call("test_simple_text"), id=2)
    assert messages(second)[-1]["id"] == 2
    assert list(stream)[-1][1]["id"] == 1


def test_many_listeners_take_no_call_slots_of_the_server(modern_everything: str) -> None:
    caller = Caller(modern_everything)
    for number in range(40):
        wishes = {"notifications": {"resourceSubscriptions": [f"test://template/{number}/data"]}}
        stream = events(caller.open_modern("subscriptions/listen", wishes, number))
        assert next(stream)[1]["params"]["notifications"] == wishes["notifications"]
    assert "result" in caller.modern("tools/call", call("test_simple_text"))
