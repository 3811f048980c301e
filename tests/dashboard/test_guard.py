"""Who is let in: only the browser with the key, under our own name, from our own pages."""

import contextlib
import http.client

import pytest

from harnessgym_mcp.dashboard.keys import stored_token
from harnessgym_mcp.errors import StateError


@pytest.fixture
def board(furnished, start):
    return start(furnished, enter=False)


def test_without_the_key_nothing_is_shown(board):
    for path in ("/", "/live", "/events", "/metrics", "/style.css", "/artifacts/asm-lens", "/nothing"):
        status, _, body = board.ask(path)
        assert (status, "harnessgym dashboard" in body) == (401, True), path
    assert board.ask("/?token=wrong")[0] == 401


def test_the_key_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(board):
    status, headers, _ = board.ask(f"/live?token={board.token}")
    assert (status, headers["location"]) == (303, "/live")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert board.token not in cookie
    board.enter()
    assert board.ask("/")[0] == 200


def test_another_host_name_is_refused_even_with_the_key(board):
    board.enter()
    assert board.ask("/", Host="attacker.example")[0] == 421
    assert board.ask(f"/?token={board.token}", Host=f"attacker.example:{board.host.partition(':')[2]}")[0] == 421
    assert board.ask("/", Host=board.host.replace("127.0.0.1", "localhost"))[0] == 200


def test_a_form_of_another_origin_is_refused(board):
    board.enter()
    path = "/artifacts/asm-lens/rollback"
    assert board.ask(path, "POST", "to=x")[0] == 403
    assert board.ask(path, "POST", "to=x", Origin="http://attacker.example")[0] == 403
    assert board.ask(path, "POST", "to=x", Origin="null")[0] == 403
    assert board.ask(path, "POST", "to=x", Origin=board.origin, Sec_Fetch_Site="cross-site")[0] == 403
    status, _, body = board.ask(path, "POST", "to=x", Origin=board.origin)
    assert (status, "not from this run" in body) == (400, True), "our own origin gets as far as the form's key"


def test_every_answer_forbids_what_is_inline_or_elsewhere(board):
    board.enter()
    for path in ("/", "/nothing", "/metrics", "/app.js"):
        headers = board.ask(path)[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_program_scrapes_metrics_with_the_key_and_nothing_else(board):
    bearer = f"Bearer {board.token}"
    status, headers, body = board.ask("/metrics", Authorization=bearer)
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "harnessgym_calls_total" in body
    assert board.ask("/metrics", Authorization="Bearer wrong")[0] == 401
    assert board.ask("/", Authorization=bearer)[0] == 401


def test_a_key_file_keeps_the_key_and_must_be_private(furnished, start, tmp_path):
    file = tmp_path / "key"
    first = start(furnished, "--token-file", str(file), enter=False)
    assert file.stat().st_mode & 0o777 == 0o600
    assert first.token == file.read_text().strip()
    assert start(furnished, "--token-file", str(file)).token == first.token
    file.chmod(0o644)
    with pytest.raises(StateError):
        stored_token(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(StateError):
        stored_token(file)


def test_it_ends_at_once_and_without_complaint_with_an_open_stream(board):
    board.enter()
    connection = http.client.HTTPConnection(board.host, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/events", headers={"Host": board.host, "Cookie": board.cookie})
        with connection.getresponse() as answer:
            assert answer.getheader("content-type", "").startswith("text/event-stream")
            assert answer.readline() == b"event: harness\r\n"
            assert board.close() == 0
            answer.read()
