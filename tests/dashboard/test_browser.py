"""The dashboard in a real browser: click paths, live calls of a real server, rollback, hostile text, the keyboard."""

import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from mcp import Client, StdioServerParameters
from world import EVIL, Past, tool

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.server.stats_view import contents

STAYS_ITSELF = "document.title !== 'owned' && document.querySelectorAll('main script, main img').length === 0"


@contextlib.asynccontextmanager
async def agent(past: Past) -> AsyncIterator[Client]:
    """The official client on a real `harnessgym serve`."""
    confined = choose_sandbox(Isolation(), past.home.state).report.confined
    flags = [] if confined else ["--set", "isolation.allow_unconfined=true"]
    args = [
        "-m",
        "harnessgym_mcp",
        "serve",
        "--workspace",
        str(past.workspace),
        "--state",
        str(past.home.state),
        *flags,
    ]
    env = {k: os.environ[k] for k in ("PATH", "HOME", "PYTHONPATH") if k in os.environ}
    server = StdioServerParameters(command=sys.executable, args=args, env=env)
    async with Client(server, mode="legacy", read_timeout_seconds=30.0, cache=None) as client:
        yield client


@pytest.fixture
def well(browser):
    """The browser; at the end nothing must have complained and nothing must have gone elsewhere."""
    yield browser
    complaints = browser.do("complaints")
    assert complaints == {"said": [], "elsewhere": []}


def test_a_person_clicks_from_the_overview_to_everything(furnished, start, well):
    board = start(furnished)
    well.do("goto", board.address)
    assert board.token not in well.do("address")
    well.do("click", "link", "asm-lens")
    assert well.do("text", "h1") == "asm-lens"
    well.do("click", "link", "compile")
    assert well.do("text", "h1") == "compile"
    well.do("click", "link", "7d")
    assert "range=7d" in well.do("address")
    well.do("click", "link", "Quarantine")
    well.do("click", "link", furnished.stores.registry.load().quarantine[0].digest[7:19])
    assert "selftest.vacuous" in well.do("text", ".findings")
    well.do("click", "link", "Iterations")
    well.do("click", "link", "Kernels, with and without the harness")
    assert "Better" in well.do("text", ".verdict")
    for name in ("Live calls", "Tools", "Runs", "Overview"):
        well.do("click", "link", name)
        assert well.do("text", "nav a[aria-current=page]") == name


async def test_calls_of_a_real_server_appear_as_they_end_and_a_pause_holds_them(past, start, well):
    past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    board = start(past)
    await run_sync(well.do, "goto", f"{board.address[: -len(board.token)]}{board.token}")
    await run_sync(well.do, "click", "link", "Live calls")
    assert "Nothing has been called yet" in await run_sync(well.do, "text", "#none")
    await run_sync(well.do, "until", "document.querySelector('#link').classList.contains('good')")
    async with agent(past) as client:
        await client.call_tool("lens__look", {"path": "a"})
        await run_sync(well.do, "wait", "#calls tbody tr")
        shown = await run_sync(well.do, "text", "#calls tbody tr")
        assert "lens look" in shown
        assert "completed" in shown
        await run_sync(well.do, "until", "document.querySelector('#told').textContent.includes('1 new call')")
        await run_sync(well.do, "click", "button", "Pause")
        await client.call_tool("lens__look", {"path": "b"})
        await run_sync(well.do, "until", "document.querySelector('#pause').textContent === 'Go on (1 new)'")
        assert await run_sync(well.do, "count", "#calls tbody tr") == 1
        await run_sync(well.do, "click", "button", "Go on (1 new)")
        assert await run_sync(well.do, "count", "#calls tbody tr") == 2
        await run_sync(well.do, "click", "link", "Overview")
        assert "mcp" in await run_sync(well.do, "text", "section[aria-labelledby=sessions] table")


async def test_going_back_to_a_former_version_asks_first_and_reaches_an_open_session(past, start, well):
    first = past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    past.publish("lens", "0.2.0", [tool("look", "It looks."), tool("see", "It sees.")])
    board = start(past)
    async with agent(past) as client:
        assert "lens__see" in [t.name for t in (await client.list_tools()).tools]
        await run_sync(well.do, "goto", board.address)
        await run_sync(well.do, "click", "link", "lens")
        await run_sync(well.do, "click", "link", f"Go to version 0.1.0 ({first.digest[7:19]})")
        assert "tool see" in await run_sync(well.do, "text", "main")
        await run_sync(well.do, "click", "link", "Stay at 0.2.0")
        assert past.stores.registry.load().artifacts["lens"].current != first.digest
        await run_sync(well.do, "click", "link", f"Go to version 0.1.0 ({first.digest[7:19]})")
        await run_sync(well.do, "click", "button", "Go to 0.1.0")
        assert "lens is now at version 0.1.0" in await run_sync(well.do, "text", "[role=status]")
        assert past.stores.registry.load().artifacts["lens"].current == first.digest
        names: list[str] = ["lens__see"]
        while "lens__see" in names:  # bounded by the test's own deadline
            names = [t.name for t in (await client.list_tools()).tools]
        assert "lens__look" in names


async def test_the_overview_tells_when_the_harness_changes_meanwhile(past, start, well):
    past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    board = start(past)
    await run_sync(well.do, "goto", board.address)
    assert await run_sync(well.do, "run", "document.querySelector('#changed').hidden")
    past.publish("lens", "0.2.0", [tool("see", "It sees.")])
    await run_sync(well.do, "until", "!document.querySelector('#changed').hidden")


def test_hostile_names_and_texts_do_nothing(attacked, start, browser):
    board = start(attacked)
    browser.do("goto", board.address)
    digest = attacked.stores.registry.load().quarantine[0].digest[7:19]
    for path in ("/", "/live", "/tools", "/artifacts/mean", f"/quarantine/mean/{digest}", "/iterations", "/runs",
                 "/runs/evil-run", "/tool?artifact=mean&name=look"):  # fmt: skip
        browser.do("goto", board.origin + path)
        assert browser.do("run", STAYS_ITSELF), path
    browser.do("goto", f"{board.origin}/live")
    browser.do("until", "document.querySelector('#link').classList.contains('good')")
    attacked.called(attacked.stores.registry.load().artifacts["mean"].version, EVIL, EVIL, 1.8e9, 1.0, error=EVIL)
    attacked.write_calls()
    browser.do("until", "document.querySelector('#calls tbody tr.fresh')")
    assert "<img" in browser.do("text", "#calls tbody tr.fresh"), "shown as text"
    assert browser.do("run", STAYS_ITSELF)
    assert browser.do("complaints")["elsewhere"] == []
    assert [s for s in browser.do("complaints")["said"] if "dialog" in s or "Content Security" in s] == []


def test_the_keyboard_alone_reaches_the_content_and_shows_where_it_is(furnished, start, well):
    board = start(furnished)
    well.do("goto", board.address)
    well.do("press", "Tab")
    assert well.do("run", "document.activeElement.textContent") == "Skip to the content"
    assert well.do("run", "document.activeElement.getBoundingClientRect().top >= 0")
    assert well.do("run", "getComputedStyle(document.activeElement).outlineStyle") == "solid"
    well.do("press", "Enter")
    well.do("press", "Tab")
    assert well.do("run", "document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_schemes(furnished, start, well, scheme):
    board = start(furnished)
    well.do("look", {"colorScheme": scheme, "reducedMotion": "reduce"})
    well.do("goto", board.address)
    for path in ("/", "/live", "/tools", "/artifacts/asm-lens", "/runs/2026-11-20-kernels"):
        well.do("goto", board.origin + path)
        assert well.do("contrast") == [], path
        assert well.do("structure") == [], path
    assert well.do("run", "getComputedStyle(document.querySelector('main')).animationName") == "none"


def test_a_narrow_window_does_not_scroll_sideways(furnished, start, well):
    board = start(furnished)
    well.do("size", 380, 800)
    well.do("goto", board.address)
    for path in (
        "/",
        "/live",
        "/tools",
        "/artifacts/asm-lens",
        "/iterations",
        "/quarantine",
        "/runs/2026-11-20-kernels",
    ):
        well.do("goto", board.origin + path)
        assert well.do("run", "document.documentElement.scrollWidth <= window.innerWidth"), path


def test_a_narrow_window_has_room_for_the_word_that_the_dashboard_is_gone(furnished, start, browser):
    board = start(furnished)
    browser.do("size", 320, 800)
    browser.do("goto", board.address)
    browser.do("goto", board.origin + "/live")
    browser.do("until", "document.querySelector('#link.good')")
    board.close()
    browser.do("until", "document.querySelector('#link.warn')")
    assert browser.do("run", "document.documentElement.scrollWidth <= window.innerWidth")


def test_a_narrow_window_shows_the_newest_calls_and_how_much_is_used(furnished, start, well):
    board = start(furnished)
    well.do("size", 360, 800)
    well.do("goto", board.address)
    right = "Math.max(...[...document.querySelectorAll('.over-time rect')].map(r => r.getBoundingClientRect().right))"
    assert 0 < well.do("run", right) <= 360
    inside = "t.offsetWidth && t.getBoundingClientRect().right <= 360"
    shown = f"[...document.querySelectorAll('thead th')].filter(t => {inside}).map(t => t.innerText)"
    assert well.do("run", shown) == ["Artifact", "State", "Calls"]


def in_host(view: str, stats: dict[str, Any]) -> str:
    result = {"content": [{"type": "text", "text": json.dumps(stats)}]}
    return (
        Path(__file__)
        .with_name("host.html")
        .read_text()
        .replace("RESULT", _script(result))
        .replace("VIEW", _script(view))
    )


def _script(value: object) -> str:
    return json.dumps(value).replace("<", "\\u003c")


def test_the_stats_view_shows_the_tools_answer_in_a_host_and_hostile_text_as_text(browser):
    stats = {
        "scope": "all",
        "artifacts": [{"name": "lens", "status": "mounted", "version": "0.1.0", "digest": "sha256:" + "a" * 64,
                       "tools": ["look", EVIL]}, "… 3 more"],
        "calls": [{"artifact": "lens", "tool": EVIL, "calls": 7,  "successes": 6, "tool_errors": 1, "p50_ms": 3.25,
                   "p95_ms": 4200.0}],
        "never_used": [EVIL], "quarantined": [{"name": "bad", "digest": "sha256:" + "b" * 64, "reason": EVIL}],
        "problems": {"x": EVIL}, "requalifying": {}, "notes": [EVIL], "isolation": {"tier": "A"},
    }  # fmt: skip
    browser.do("content", in_host(contents()["text"], stats))
    browser.do(
        "until",
        "window.seen.includes('ui/notifications/size-changed') && window.seen.includes('ui/notifications/initialized')",
    )
    frame = "#view"
    browser.do("enter", frame)
    browser.do("wait", "table")
    shown = browser.do("text", "main")
    for words in ("● mounted", "… 3 more", "7", "4.20 s", "3.25 ms", "<img src=x", "Quarantined"):
        assert words in shown
    assert browser.do("count", "main script, main img") == 0
    browser.do("click", "button", "this run")
    browser.do("leave")
    browser.do("until", "window.asked && window.asked.arguments.scope === 'run'")
    assert browser.do("title") == "host"
