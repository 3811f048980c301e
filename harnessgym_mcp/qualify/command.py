"""The command form of a self-test: run in the first room's place, in a sandbox of its own; it must exit 0."""

import asyncio
import contextlib
import os
import signal

from harnessgym_mcp.core.text import clean, cut
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.proc.room import room_for
from harnessgym_mcp.proc.sandbox import Prepared, prepare_launch
from harnessgym_mcp.qualify.context import Context

__all__ = ["run_command"]

_MOST = 64 * 1024  # bytes of output that are read


async def run_command(ctx: Context, command: list[str]) -> list[Finding]:
    """Findings of one run; the command's words may hold the variables of mcp.json."""
    import msgspec

    where = "self_test.command"
    if not command:
        return []
    launch = msgspec.structs.replace(ctx.launch, command=command[0], args=command[1:], cwd="${PLUGIN_ROOT}")
    place = ctx.running.place
    room = room_for(
        launch,
        ctx.policy,
        root=place.root,
        data=place.data,
        workspace=place.workspace,
        environ={},
        guise=place.guise,
        binds=place.binds,
        path_first=place.path_first,
    )
    try:
        assert ctx.sandbox is not None
        prepared = prepare_launch(ctx.sandbox, room, launch)
        code, output = await _run(prepared, min(ctx.policy.qualify.call, ctx.left))
    except (HarnessGymError, OSError) as error:
        return [finding("self-test.command", f"it cannot be started: {error}", where=where, fix="check the command")]
    if code == 0:
        return []
    how = "did not end in time" if code is None else f"exited with code {code}"
    return [
        finding(
            "self-test.command",
            f"it {how}; its output ends: {output}",
            where=where,
            fix="make it exit 0 in the artifact's folder",
            repro=" ".join(command),
        )
    ]


async def _run(prepared: Prepared, timeout: float) -> tuple[int | None, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            *prepared.argv,
            env=prepared.env,
            cwd=prepared.cwd,
            pass_fds=prepared.pass_fds,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        prepared.release()
    tail = b""
    try:
        async with asyncio.timeout(timeout):
            assert process.stdout is not None
            while data := await process.stdout.read(_MOST):
                tail = (tail + data)[-2000:]
            code: int | None = await process.wait()
    except TimeoutError:
        code = None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        prepared.close()
    return code, cut(clean(tail.decode("utf-8", "replace")), 800)
