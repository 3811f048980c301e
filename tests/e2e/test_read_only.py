"""A home that can only be read: its tools are served all the same, and what is lost by it is told."""

import os
import shlex
import subprocess

import anyio
import anyio.lowlevel
import pytest

UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


@pytest.fixture
def seal(place):
    """From its call on the home is read-only for what the place runs."""
    place.home.mkdir()
    home = shlex.quote(str(place.home))
    words = [*UNSHARE, "sh", "-c", f'mount --bind {home} {home} && mount -o remount,bind,ro {home} && exec "$@"', "sh"]
    try:
        tried = subprocess.run([*words, "true"], capture_output=True, timeout=20)
    except OSError:
        pytest.skip("there is no unshare here")
    if tried.returncode:
        pytest.skip("mounting is not permitted here")
    return lambda: place.before.extend(words)


async def test_a_home_that_can_only_be_read_is_served_and_the_loss_is_told(place, seal):
    assert (await place.run("submit", str(place.draft("adder"))))[0] == 0
    seal()
    async with place.client() as agent:
        assert not (await agent.client.call_tool("adder__example", {"values": [1, 2]})).is_error
        with anyio.fail_after(20):
            while not (stats := await agent.ask("harnessgym.stats"))["telemetry_error"]:
                await anyio.lowlevel.checkpoint()
        assert "ead-only file system" in stats["telemetry_error"]
        assert any("the home cannot be written" in note for note in stats["notes"])
        refused = await agent.ask("harnessgym.reflect", selected={"name": "other", "why": "w"})
        assert (refused["error"], "read-only" in refused["hint"]) == ("state", True)


async def test_statistics_and_calls_need_no_home_that_can_be_written(place, seal):
    assert (await place.run("submit", str(place.draft("adder"))))[0] == 0
    seal()
    code, stats = await place.run("stats")
    assert (code, [a["name"] for a in stats["artifacts"]]) == (0, ["adder"])
    code, answer = await place.run("call", "adder__example", "--arguments", '{"values": [1]}')
    assert (code, answer["status"]) == (0, "completed")


async def test_where_no_home_can_be_made_none_is_served(place, seal):
    seal()
    code, answer = await place.run("serve")
    assert (code, answer["error"]["code"], "read-only" in answer["error"]["hint"]) == (4, "state", True)
