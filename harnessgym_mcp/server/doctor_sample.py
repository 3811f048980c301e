"""The doctor's end-to-end check: a sample artifact through the clean room, then called through `harnessgym serve`.

The server is started by the very command that `connect` writes, in a throwaway workspace, home and state.
"""

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.qualify.scaffold import scaffold
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.server.doctor_finding import Context, Finding
from harnessgym_mcp.store.client_configs import start_command
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores

__all__ = ["check_sample"]

_ARTIFACT = "doctor-sample"
_TOOL = "add"
_CALLED = f"{_ARTIFACT}__{_TOOL}"
_REQUESTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "initialize",
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "doctor", "version": "1"}},
    ),
    ("notifications/initialized", {}),
    ("tools/list", {}),
    ("tools/call", {"name": _CALLED, "arguments": {"values": [20, 22]}}),
)


async def check_sample(context: Context) -> Finding:
    """Scaffold, qualify, publish, serve, initialize, list, call. Raises HarnessGymError when the machine fails."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="harnessgym-doctor-") as folder:
        base = Path(folder).resolve()
        refused = await _publish(base, context.policy)
        if refused:
            return Finding("fail", f"the clean room refused a sample that is sound: {refused}", _REMEDY)
        judged = time.monotonic()
        answers = await _serve(base, context)
    problem = _problem(answers)
    if problem:
        return Finding("fail", f"a sample server was mounted, but {problem}", _REMEDY)
    times = f"clean room {judged - began:.1f} s, served and called in {time.monotonic() - judged:.1f} s"
    return Finding("ok", f"a sample was qualified, mounted and called ({times})")


_REMEDY = "see to what failed above first; then `harnessgym demo` shows the same loop step by step"


async def _publish(base: Path, policy: Policy) -> str:
    """Through the clean room into a home of its own; why not, or ""."""
    draft = base / "draft"
    for path, text in scaffold(_ARTIFACT, tools=[_TOOL]).items():
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text(text)
    (base / "workspace").mkdir()
    home = Home.open(base / "workspace", state=base / "state")
    submission = await Submitter(Stores.open(home, policy), policy).submit(draft)
    return one_line("; ".join(f"{f.id}: {f.what}" for f in submission.verdict.errors), 400)


async def _serve(base: Path, context: Context) -> list[dict[str, Any]]:
    """All that the server says to the requests; EOF lets it answer them first."""
    settings = context.options.settings
    argv = start_command("claude", "project", base / "workspace", state=base / "state", settings=settings)
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = await process.communicate(b"".join(_frames()))
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    try:
        return [json.loads(line) for line in out.splitlines()]
    except ValueError:
        said = one_line((out + err).decode(errors="replace"), 300)
        raise HarnessGymError(f"`{argv[0]}` answers no MCP: {said}", hint="reinstall HarnessGym") from None


def _frames() -> list[bytes]:
    frames = []
    for id, (method, params) in enumerate(_REQUESTS):
        frame: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if not method.startswith("notifications/"):
            frame["id"] = id
        frames.append(json.dumps(frame).encode() + b"\n")
    return frames


def _problem(answers: list[dict[str, Any]]) -> str:
    by_id = {answer.get("id"): answer for answer in answers}
    for id, (method, _) in enumerate(_REQUESTS):
        if not method.startswith("notifications/") and "result" not in by_id.get(id, {}):
            return f"{method} was answered with {one_line(json.dumps(by_id.get(id)), 300)}"
    if _CALLED not in [tool["name"] for tool in by_id[2]["result"]["tools"]]:
        return f"{_CALLED} is not listed"
    said = json.dumps(by_id[3]["result"])
    return "" if "42" in said and not by_id[3]["result"].get("isError") else f"its answer is {one_line(said, 300)}"
