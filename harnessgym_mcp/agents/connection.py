"""A scripted agent's link to the MCP entry: the official SDK client over stdio, behaving as the real clients do.

Like them it starts the entry as its own child with a small environment, lists the tools, and lists them again as soon
as the server says that they changed.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import anyio
import mcp_types as types
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.subscriptions import SubscriptionLost
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from harnessgym_mcp import __version__
from harnessgym_mcp.agents.session import Mode, Result

__all__ = ["Connection", "connect"]

_CLIENT_NAME = "harnessgym-scripted"
"""The clientInfo.name: whoever reads the record sees that no model was at work."""
_SESSION_KEY = "sessionId"
"""Key of the session id in each call's `_meta`: the one that Codex uses."""


class Connection:
    """A `session.Link`, open within `connect`."""

    def __init__(self, client: Client, session_id: str) -> None:
        self._client = client
        self._meta = cast("types.RequestParamsMeta", {_SESSION_KEY: session_id})
        self._listed = anyio.Event()
        self._tools: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        return self._tools

    async def call(self, name: str, arguments: dict[str, Any], timeout: float) -> Result:
        """Call a tool; every way in which that can fail is a Result too."""
        try:
            got = await self._client.call_tool(name, arguments, read_timeout_seconds=timeout, meta=self._meta)
        except MCPError as error:
            return Result(is_error=True, text=error.message, structured=error.data, code=error.code)
        except (RuntimeError, ValueError) as error:  # the SDK found the answer to break its schema
            return Result(is_error=True, text=str(error))
        blocks = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in got.content]
        text = "\n".join(b["text"] for b in blocks if b.get("type") == "text")
        return Result(bool(got.is_error), text, got.structured_content, blocks)

    async def relist(self) -> tuple[str, ...]:
        """All tools' names, page by page."""
        names: list[str] = []
        cursor: str | None = None
        while True:
            page = await self._client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        self._tools = tuple(names)
        self._listed.set()
        self._listed = anyio.Event()
        return self.tools

    async def wait_for_tool(self, name: str, timeout: float) -> bool:
        """Wait until a tool is listed; a server that never says that its list changed is asked once more."""
        with anyio.move_on_after(timeout):
            while name not in self.tools:
                await self._listed.wait()
        return name in self.tools or name in await self.relist()

    async def follow(self, legacy_changes: AsyncIterator[None]) -> None:
        """List again after each change, until the connection ends."""
        with contextlib.suppress(MCPError, SubscriptionLost):
            if self._client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
                async for _ in legacy_changes:
                    await self.relist()
                return
            async with self._client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    await self.relist()


@contextlib.asynccontextmanager
async def connect(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, mode: Mode, session_id: str, start: float
) -> AsyncIterator[Connection]:
    """Start the entry and shake hands, within `start` seconds; the connection's tools are listed.

    Raises what the SDK raises, in an exception group, when the entry does not start or answer.
    """
    send, changes = anyio.create_memory_object_stream[None](1)

    async def on_message(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            with contextlib.suppress(anyio.WouldBlock):  # one waiting change stands for all
                send.send_nowait(None)

    client = Client(
        StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(env), cwd=cwd),
        mode=MODERN_PROTOCOL_VERSIONS[-1] if mode == "modern" else mode,
        client_info=types.Implementation(name=_CLIENT_NAME, version=__version__),
        message_handler=on_message,
        read_timeout_seconds=start,
        cache=None,
    )
    async with send, changes, client, anyio.create_task_group() as tasks:
        connection = Connection(client, session_id)
        await connection.relist()
        tasks.start_soon(connection.follow, changes)
        try:
            yield connection
        finally:
            tasks.cancel_scope.cancel()
