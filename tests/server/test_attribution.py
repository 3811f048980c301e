"""To whom a call's row is attributed: what the clients state, as the real ones were seen to, and what calls share."""

import sys
from typing import Any

import pytest
from msgspec import Raw

from harnessgym_mcp.core.catalog import Route
from harnessgym_mcp.core.events import Alike, Session
from harnessgym_mcp.core.frames import encode
from harnessgym_mcp.server.client import Client

ROUTE = Route("lens", "sha256:x", "look", Raw(b'"look"'))


def client(fixed: bool = False) -> Client:
    return Client(lambda *parts: None, Session(id="s-1", front="f"), fixed=fixed)


def alike(one: Client, meta: dict[str, Any] | None = None, route: Route = ROUTE, via: str = "") -> Alike:
    return one.alike(route, {} if meta is None else {"_meta": Raw(encode(meta))}, via)


@pytest.mark.parametrize(
    ("meta", "fixed", "stated"),
    [
        (None, False, ("s-1", "", "")),
        ({"progressToken": 2}, False, ("s-1", "", "")),
        ({"claudecode/toolUseId": "toolu_1", "progressToken": 2}, False, ("s-1", "", "toolu_1")),
        ({"sessionId": "c-1", "threadId": "t-1"}, False, ("c-1", "t-1", "")),
        ({"sessionId": "c-1", "threadId": "t-1"}, True, ("s-1", "t-1", "")),
        (
            {"x-codex-turn-metadata": {"session_id": "c-1", "thread_id": "t-1", "turn_id": "u-1"}},
            False,
            ("c-1", "t-1", "u-1"),
        ),
        ({"x-codex-turn-metadata": "no object", "sessionId": 7}, False, ("s-1", "", "")),
        ({"sessionId": "x" * 500}, False, ("x" * 80, "", "")),
    ],
)
def test_a_row_tells_the_session_the_thread_and_the_tool_use_that_the_call_states(
    meta: dict[str, Any] | None, fixed: bool, stated: tuple[str, str, str]
) -> None:
    row = alike(client(fixed), meta)
    assert (row.session, row.thread, row.tool_use) == stated
    assert (row.artifact, row.digest, row.tool, row.origin, row.via) == ("lens", "sha256:x", "look", "agent", "")
    assert (row.caller.front, row.status, row.error, row.arguments) == ("f", "completed", "", None)


def test_calls_share_one_object_while_nothing_tells_them_apart() -> None:
    one = client()
    first = alike(one)
    assert alike(one) is first
    assert alike(one, {"progressToken": 2}) is first
    assert alike(one, {"claudecode/toolUseId": "toolu_1"}).tool_use == "toolu_1"
    assert alike(one, via="call").via == "call"
    assert alike(one, route=Route("lens", "sha256:y", "look", ROUTE.spelt)).digest == "sha256:y"
    assert alike(one) is first
    assert alike(client()) is not first


def test_what_the_client_says_of_itself_later_is_told_from_then_on() -> None:
    one = client()
    before = alike(one)
    one.introduce({"name": "codex", "version": "1"})
    after = alike(one)
    assert (before.caller.client, after.caller.client, after.caller.client_version) == ("", "codex", "1")


def test_routes_of_catalogs_that_are_no_more_are_let_go_of() -> None:
    one, route = client(), Route("lens", "sha256:old", "look", ROUTE.spelt)
    unknown = sys.getrefcount(route)
    alike(one, route=route)
    assert sys.getrefcount(route) > unknown
    for number in range(1000):
        alike(one, route=Route("lens", f"sha256:{number}", "look", ROUTE.spelt))
    assert sys.getrefcount(route) == unknown
