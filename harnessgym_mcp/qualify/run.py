"""The parent's side: a qualification in a child process, with a deadline and a bound on how many at once.

Nothing that a generated server does can take the caller down: a child that dies, hangs or says nonsense gives a
rejected verdict with a `gate.*` finding.
"""

import asyncio
import contextlib
import fcntl
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from harnessgym_mcp import __version__
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.text import clean, cut
from harnessgym_mcp.core.verdict import StageResult, Verdict, finding
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.held import HeldFolder
from harnessgym_mcp.qualify.request import Event, Judgement, Request, policy_of
from harnessgym_mcp.store.atomic import state_error

__all__ = ["qualify"]

_LINE = 64 * 1024 * 1024  # the judgement embeds all tool definitions
_POLL = 0.05  # seconds between looks for a free place


async def qualify(request: Request, on_stage: Callable[[StageResult], None], timeout: float | None = None) -> Judgement:
    """Judge an artifact; call it on the main thread's loop. `timeout` in seconds, policy's total by default.

    Waiting for one of policy's places counts towards the timeout.
    """
    policy = policy_of(request)
    progress = _Progress(on_stage)
    began = time.time()
    try:
        async with asyncio.timeout(timeout or policy.qualify.total + 5):
            async with _place(Path(request.home) / "locks", policy.qualify.at_once), _folder() as folder:
                progress.started = True
                return await _judge(msgspec.structs.replace(request, folder=folder), progress)
    except TimeoutError:
        return _failed(request, progress, began, *_late(progress))
    except OSError as error:
        failed = state_error("start the qualification in", Path(tempfile.gettempdir()), error)
        return _failed(request, progress, began, "gate.not-started", failed.message, failed.hint)


class _Progress:
    """What the child has told so far."""

    def __init__(self, on_stage: Callable[[StageResult], None]) -> None:
        self.results: list[StageResult] = []
        self.current = ""
        self.started = False
        self.judgement: Judgement | None = None
        self._on_stage = on_stage

    def line(self, line: bytes) -> None:
        try:
            event = decoded(line, Event)
        except msgspec.DecodeError:  # a stray print
            return
        self.current = event.begins or self.current
        self.judgement = event.judgement or self.judgement
        if event.stage is not None:
            self.results.append(event.stage)
            self._on_stage(event.stage)


@asynccontextmanager
async def _place(folder: Path, count: int) -> AsyncIterator[None]:
    """One of `count` places of this home, held by a lock that ends with this process."""
    folder.mkdir(parents=True, exist_ok=True)
    while (fd := _take(folder, count)) is None:  # noqa: ASYNC110 - another process's lock gives no event
        await asyncio.sleep(_POLL)
    try:
        yield
    finally:
        os.close(fd)


@asynccontextmanager
async def _folder() -> AsyncIterator[str]:
    """The child's private folder: ours to remove, since the child may be killed."""
    folder = await asyncio.to_thread(HeldFolder.make, "harnessgym-rooms-")
    try:
        yield str(folder.path)
    finally:
        await asyncio.to_thread(folder.close)


def _take(folder: Path, count: int) -> int | None:
    for number in range(max(count, 1)):
        fd = os.open(folder / f"qualify-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
        else:
            return fd
    return None


async def _judge(request: Request, progress: _Progress) -> Judgement:
    began = time.time()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harnessgym_mcp.qualify.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_LINE,
        env={**os.environ, "PYDANTIC_DISABLE_PLUGINS": "__all__"},  # they cost 15 ms to look for
        cwd="/",
    )
    try:
        _, errors = await asyncio.gather(_talk(child, request, progress), _tail(child))
        code = await child.wait()
    finally:
        await _end(child)
    if progress.judgement is not None:
        return progress.judgement
    what = f"the qualification ended with code {code} in the stage {progress.current or 'intake'}: {errors}"
    return _failed(request, progress, began, "gate.died", what)


async def _talk(child: asyncio.subprocess.Process, request: Request, progress: _Progress) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(msgspec.json.encode(request))
        await child.stdin.drain()
    child.stdin.close()
    with contextlib.suppress(ValueError):  # a line beyond the limit: no judgement then
        while line := await child.stdout.readline():
            progress.line(line)


async def _tail(child: asyncio.subprocess.Process) -> str:
    assert child.stderr is not None
    tail = b""
    while data := await child.stderr.read(65536):
        tail = (tail + data)[-1000:]
    return cut(clean(tail.decode("utf-8", "replace")).strip(), 1000)


async def _end(child: asyncio.subprocess.Process) -> None:
    """The child and everything below it, rooms and servers included."""
    if child.returncode is None:
        await asyncio.to_thread(kill_all, child.pid)
    await child.wait()
    child._transport.close()  # type: ignore[attr-defined]


def _late(progress: _Progress) -> tuple[str, str]:
    if not progress.started:
        return "gate.busy", "other qualifications took all the time; none of this artifact's was spent"
    return "gate.timeout", f"the time was up in the stage {progress.current or 'intake'}"


def _failed(request: Request, progress: _Progress, began: float, id: str, what: str, fix: str = "") -> Judgement:
    fixes = {
        "gate.busy": "submit it again",
        "gate.timeout": "make start and calls faster; what takes long must answer in time",
        "gate.died": "submit it again; if it happens again, report it with the artifact",
    }
    problem = finding(id, what, where=progress.current, fix=fix or fixes[id])
    verdict = Verdict(
        status="rejected",
        name=request.name or Path(request.source).name,
        version="",
        digest="",
        kind="server",
        findings=[problem],
        stages=progress.results,
        isolation=None,
        policy_digest=policy_of(request).digest,
        started_at=began,
        duration_ms=round((time.time() - began) * 1000, 1),
        harnessgym=__version__,
    )
    return Judgement(verdict=verdict)
