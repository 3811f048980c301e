"""Who may come in over HTTP, and how the server leaves."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.server.http_guard import allowed_hosts, is_loopback, read_token
from tests.http.conftest import HELLO, Caller, Served, messages

TOKEN = "a-token-of-sixteen-characters"


def test_the_control_tools_are_served_and_the_end_is_clean(serve: Callable[..., Served]) -> None:
    served = serve()
    assert "without a token" in served.first
    caller = Caller(served.address).initialize()
    names = [tool["name"] for tool in caller.ask("tools/list", {})["result"]["tools"]]
    assert "harnessgym.stats" in names
    stats = caller.ask("tools/call", {"name": "harnessgym.stats", "arguments": {}})
    assert not stats["result"].get("isError"), stats
    with caller.open("GET") as standing:
        assert standing.status == 200
        assert served.end() == 0
    assert "Traceback" not in served.errors


def test_each_http_session_is_an_agent_session_with_a_slot_of_its_own(serve: Callable[..., Served]) -> None:
    served = serve()

    def choose(caller: Caller, name: str) -> str:
        selected = {"name": name, "why": f"{name} was missing", "tools": ["measure"]}
        answer = caller.ask("tools/call", {"name": "harnessgym.reflect", "arguments": {"selected": selected}})
        return str(answer["result"]["content"][0]["text"])

    one, other = Caller(served.address).initialize(), Caller(served.address).initialize()
    assert "error" not in json.loads(choose(one, "first-tool"))
    assert "error" not in json.loads(choose(other, "second-tool"))
    assert json.loads(choose(one, "third-tool"))["error"] == "slot"


def test_without_http_sessions_clients_of_different_names_have_slots_of_their_own(serve: Callable[..., Served]) -> None:
    caller = Caller(serve().address)

    def ask(client: str, tool: str, session: str = "", **arguments: object) -> dict[str, object]:
        meta = {"io.modelcontextprotocol/clientInfo": {"name": client, "version": "1"}}
        meta |= {"sessionId": session} if session else {}
        answer = caller.modern("tools/call", {"name": f"harnessgym.{tool}", "arguments": arguments, "_meta": meta})
        return dict(json.loads(answer["result"]["content"][0]["text"]))

    def choose(client: str, name: str, session: str = "") -> object:
        selected = {"name": name, "why": f"{name} was missing", "tools": ["measure"]}
        return ask(client, "reflect", session, selected=selected).get("error")

    assert choose("editor", "first-tool") is None
    assert choose("editor", "second-tool") == "slot"
    assert choose("terminal", "third-tool") is None
    assert choose("editor", "fourth-tool", session="its-own") is None
    assert ask("editor", "stats")["open_slot"]["name"] == "first-tool"


def test_without_the_token_nobody_gets_in(serve: Callable[..., Served], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    served = serve("--token-file", str(tmp_path / "token"))
    assert "with the bearer token" in served.first
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
        response = Caller(served.address, headers).post("initialize", HELLO)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
    Caller(served.address, {"Authorization": f"bearer {TOKEN}"}).initialize()


def test_a_page_of_another_site_or_name_is_refused(serve: Callable[..., Served]) -> None:
    served = serve("--allow-host", "box.example")
    port = served.address.split(":")[2].split("/")[0]
    assert Caller(served.address, {"Origin": "https://evil.example"}).post("initialize", HELLO).status == 403
    assert Caller(served.address, {"Host": "evil.example"}).post("initialize", HELLO).status == 421
    assert Caller(served.address, {"Origin": f"http://localhost:{port}"}).post("initialize", HELLO).status == 200
    assert Caller(served.address, {"Host": f"box.example:{port}"}).post("initialize", HELLO).status == 200


def test_a_body_over_the_bound_is_refused_and_the_server_lives(serve: Callable[..., Served]) -> None:
    served = serve("--set", "http.body_bytes=2000")
    caller = Caller(served.address)
    assert caller.open("POST", b"x" * 2001).status == 413
    assert caller.open("POST", b"{" * 1000).status == 400
    assert caller.initialize().ask("ping", {})["result"] == {}


def test_no_more_sessions_than_policy_allows(serve: Callable[..., Served]) -> None:
    served = serve("--set", "http.sessions=2")
    for _ in range(2):
        Caller(served.address).initialize()
    assert Caller(served.address).post("initialize", HELLO).status == 503


def test_only_the_endpoint_is_answered(serve: Callable[..., Served]) -> None:
    served = serve()
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(served.address.removesuffix("/mcp") + "/", timeout=60)
    with refused.value as response:
        assert "/mcp" in json.loads(response.read())["error"]["message"]


def test_damaged_json_is_answered(serve: Callable[..., Served]) -> None:
    caller = Caller(serve().address).initialize()
    broken = caller.open("POST", b'{"jsonrpc":"2.0","id":1,"method":')
    assert broken.status == 400
    assert messages(broken)[0]["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.168.1.2", False), ("box.example", False)],
)  # fmt: skip
def test_what_counts_as_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_token_is_needed_off_loopback_and_has_to_be_one(tmp_path: Path) -> None:
    assert read_token(None, {}, "127.0.0.1", 16) == ""
    assert read_token(None, {"HARNESSGYM_HTTP_TOKEN": TOKEN}, "0.0.0.0", 16) == TOKEN
    with pytest.raises(UsageError, match="a token is needed"):
        read_token(None, {}, "0.0.0.0", 16)
    with pytest.raises(UsageError, match="16 printable"):
        read_token(None, {"HARNESSGYM_HTTP_TOKEN": "short"}, "127.0.0.1", 16)
    (tmp_path / "empty").write_text("")
    with pytest.raises(UsageError, match="16 printable"):
        read_token(tmp_path / "empty", {}, "127.0.0.1", 16)
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path / "none", {}, "127.0.0.1", 16)


def test_names_of_the_machine_are_taken_with_and_without_a_port() -> None:
    assert {"localhost", "localhost:*", "[::1]:*", "box", "box:*", "[fe80::1]:*"} <= set(
        allowed_hosts("fe80::1", ["box"])
    )
