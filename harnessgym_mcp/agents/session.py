"""What a script can do: call tools, edit files, run commands, speak. A Python script gets one as `play(session)`.

async def play(session):
    plan = await session.call("fft__plan", {"size": 4096})
    session.write("plan.json", plan.text)
    session.say("planned")
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from harnessgym_mcp.core.policy import Agents
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.text import one_line

__all__ = ["Completed", "Link", "Mode", "Result", "ScriptError", "Session"]

Mode = Literal["legacy", "modern", "auto"]


class ScriptError(Exception):
    """The script met something else than it expects; its turn fails with this message."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to. `code` is the JSON-RPC error's, None for a result."""

    is_error: bool
    text: str
    structured: Any = None
    content: list[dict[str, Any]] = field(default_factory=list)
    code: int | None = None

    @property
    def data(self) -> Any:
        """The structured content, else the text read as JSON, else None."""
        if self.structured is not None:
            return self.structured
        try:
            return decoded(self.text, object)
        except msgspec.DecodeError:
            return None


class Link(Protocol):
    """The connection to the MCP entry."""

    @property
    def tools(self) -> tuple[str, ...]:
        """Names listed last."""
        ...

    async def call(self, name: str, arguments: dict[str, Any], timeout: float) -> Result:
        """Call a tool; never raises."""
        ...

    async def wait_for_tool(self, name: str, timeout: float) -> bool:
        """Wait until it is listed."""
        ...


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ran to its end."""

    code: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Session:
    """One turn, as a script sees it. `saved` is kept for later turns of the same session; it holds JSON values."""

    id: str
    prompt: str
    phase: str
    iteration: int
    workspace: Path
    variables: Mapping[str, Any]
    saved: dict[str, Any]
    resumed: bool
    rules: Agents
    server: str  # the entry's name
    link: Link | None
    emit: Callable[[dict[str, Any]], None]

    @property
    def connected(self) -> bool:
        """False in an arm without an MCP entry."""
        return self.link is not None

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools listed last; they follow the server's changes."""
        return self.link.tools if self.link else ()

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        expect_error: bool | None = False,
    ) -> Result:
        """Call a tool. Raises ScriptError when `is_error` is not as expected (None: either will do)."""
        result = await self._linked().call(name, dict(arguments or {}), timeout or self.rules.tool_call)
        self.emit({"type": "harnessgym.call", "server": self.server, "tool": name, "error": result.is_error})
        if expect_error is not None and result.is_error != expect_error:
            what = "failed" if result.is_error else "succeeded, which the script does not expect"
            raise ScriptError(f"{name} {what}: {one_line(result.text, 400)}")
        return result

    async def wait_for_tool(self, name: str, timeout: float | None = None) -> None:
        """Wait until the server lists a tool; raises ScriptError when it does not."""
        most = self.rules.script_wait if timeout is None else timeout
        if not await self._linked().wait_for_tool(name, most):
            raise ScriptError(f"no tool {name!r} was listed within {most:g} s, only: {', '.join(self.tools)}")

    def path(self, relative: str) -> Path:
        """A path in the workspace; raises ScriptError for one outside."""
        path = (self.workspace / relative).resolve()
        if not path.is_relative_to(self.workspace.resolve()):
            raise ScriptError(f"{relative!r} is not in the workspace")
        return path

    def read(self, relative: str) -> str:
        """A file's text."""
        try:
            return self.path(relative).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ScriptError(f"cannot read {relative}: {error}") from error

    def write(self, relative: str, text: str) -> None:
        """Write a file, with the folders it needs."""
        path = self.path(relative)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ScriptError(f"cannot write {relative}: {error}") from error
        self._used("write")

    def replace(self, relative: str, old: str, new: str) -> None:
        """Replace the one place where `old` is found in a file."""
        text = self.read(relative)
        if text.count(old) != 1:
            raise ScriptError(f"{relative} holds {one_line(old, 80)!r} {text.count(old)} times, not once")
        self.write(relative, text.replace(old, new))

    async def run(
        self, command: str | Sequence[str], *, timeout: float | None = None, expect_code: int | None = 0
    ) -> Completed:
        """Run a command in the workspace, a text by the shell. Raises ScriptError on another exit code (None: any)."""
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        done = await _run(argv, self.workspace, self.rules.script_run if timeout is None else timeout)
        self._used("run", failed=expect_code is not None and done.code != expect_code)
        if expect_code is not None and done.code != expect_code:
            said = one_line(done.stderr or done.stdout, 300)
            raise ScriptError(f"{one_line(str(command), 120)} ended with {done.code}: {said}")
        return done

    def say(self, text: str) -> None:
        """The turn's message; the last one stands."""
        self.emit({"type": "harnessgym.message", "text": text})

    def _used(self, tool: str, *, failed: bool = False) -> None:
        self.emit({"type": "harnessgym.call", "server": "", "tool": tool, "error": failed})

    def _linked(self) -> Link:
        if self.link is None:
            raise ScriptError("there is no MCP entry in this arm")
        return self.link


async def _run(argv: Sequence[str], cwd: Path, timeout: float) -> Completed:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=cwd, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        raise ScriptError(f"cannot run {argv[0]}: {error}") from error
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate()
    except TimeoutError:
        raise ScriptError(f"{one_line(' '.join(argv), 120)} took longer than {timeout:g} s") from None
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    return Completed(process.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
