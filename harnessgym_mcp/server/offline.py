"""The harness without a client: statistics and single calls for the command line, in this process."""

import asyncio
import json
from typing import Any

from msgspec import Raw

from harnessgym_mcp.core import names
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import NotFoundError, UpstreamError
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.client import Client
from harnessgym_mcp.server.control.stats import stats
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.server.options import Options
from harnessgym_mcp.server.serve import Gym
from harnessgym_mcp.upstream.call import Call

__all__ = ["call_tool", "offline_stats"]


async def offline_stats(options: Options, arguments: dict[str, Any]) -> dict[str, Any]:
    """What `harnessgym.stats` would say. Raises UsageError, StateError."""
    home, policy = options.open(lenient=True)
    gym = Gym(home, policy)
    gym.harness.load()
    client = _nobody(options)
    try:
        return await stats(gym.services, Ask(client, client.identity({}), arguments, b""))
    finally:
        await gym.close(policy.timeouts.close)


async def call_tool(
    options: Options, name: str, arguments: dict[str, Any], timeout: float | None = None
) -> tuple[str, dict[str, Any]]:
    """`(status, result)` of one call, which is recorded; `timeout` in seconds, else the artifact's or policy's. Raises
    NotFoundError for an unknown tool, and what kept the call from being answered."""
    home, policy = options.open(lenient=True)
    gym = Gym(home, policy)
    gym.harness.load()
    try:
        found = gym.table.catalog.resolve(name)
        if found is None:
            like = names.near(name, gym.table.catalog.routes)
            hint = f"did you mean {like[0]}?" if like else "`harnessgym list --json` names the tools"
            raise NotFoundError(f"no tool is called {one_line(name, 128)!r}", hint=hint)
        route = gym.table.catalog.routes[found]
        mount = gym.table.mounts[route.artifact]
        ended = asyncio.Event()
        seconds = timeout or mount.launch.call_seconds(policy.timeouts.call)
        params = {"name": route.spelt, "arguments": Raw(json.dumps(arguments).encode())}
        call = Attributed(
            alike=_nobody(options).alike(route, params, "")._replace(origin="cli"),
            params=params,
            timeout=seconds,
            done=lambda _: ended.set(),
        )
        mount.submit(call)
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            mount.expire(call)
        gym.telemetry.put(call)
        return _outcome(call)
    finally:
        await gym.close(policy.timeouts.close)


def _nobody(options: Options) -> Client:
    """A client to which nothing is sent."""
    return Client(lambda *parts: None, options.new_session(), fixed=True)


def _outcome(call: Call) -> tuple[str, dict[str, Any]]:
    if call.answer is None:
        raise call.error or UpstreamError("the call ended without an answer")
    body = json.loads(call.answer.body)
    return call.status or "completed", body if call.answer.is_result else {"error": body}
