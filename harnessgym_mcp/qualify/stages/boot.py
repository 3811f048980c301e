"""4 boot: the server starts in its room, shakes hands in one era and framing, and lists legal tools."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.core.wire import LEGACY, MODERN
from harnessgym_mcp.errors import HarnessGymError, PackagesError, UpstreamError
from harnessgym_mcp.proc.environments import Environments
from harnessgym_mcp.qualify.checks.commands import check_commands
from harnessgym_mcp.qualify.checks.definitions import check_definitions, near_duplicates, poisoned
from harnessgym_mcp.qualify.checks.offered import check_offered
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.qualify.offers import offers_of
from harnessgym_mcp.qualify.place import Place
from harnessgym_mcp.qualify.rig import Rig
from harnessgym_mcp.qualify.rooms import FIRST, SECOND, make_rig, rig_at
from harnessgym_mcp.upstream.peer import Era, RpcError

__all__ = ["connect", "connect_at", "run"]

_REPRO = (
    'printf \'%s\\n\' \'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
    '"capabilities":{},"clientInfo":{"name":"try","version":"1"}}}\' | '
)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt to connect came to nothing."""

    id: str
    what: str
    fix: str


async def run(ctx: Context) -> list[Finding]:
    if unbuilt := await _environment(ctx):
        return [unbuilt]
    if missing := _commands(ctx):
        return missing
    found = await connect(ctx, FIRST)
    if isinstance(found, Finding):
        return [found]
    ctx.take(found)
    ctx.wire = msgspec.structs.replace(found.peer.wire)
    try:
        ctx.tools = await found.peer.list_tools(min(ctx.policy.qualify.start, ctx.left))
    except (UpstreamError, TimeoutError) as error:
        return [_no_list(ctx, error)]
    await _probe_modern(ctx)
    if not ctx.tools:
        return [finding("boot.no-tools", "tools/list is empty", where="tools/list", fix="list at least one tool")]
    ctx.offers = await offers_of(found.peer, min(ctx.policy.qualify.start, ctx.left))
    ctx.second = asyncio.create_task(connect(ctx, SECOND))
    checked = check_definitions(ctx.name, ctx.tools, ctx.policy.limits.callable_chars)
    extended = ctx.manifest.extension.extends if ctx.manifest else ""
    others = [k for k in ctx.request.known if k.name not in (ctx.name, extended)]
    said = await check_offered(found, ctx.offers, ctx.patience(ctx.policy.qualify.answer))
    return [*_version(ctx), *checked, *_offered(ctx), *said, *near_duplicates(ctx.tools, others)]


def _offered(ctx: Context) -> Iterator[Finding]:
    """Prompts and resources are read by models just as tools are."""
    for key, items in ctx.offers.items():
        for item in items:
            yield from poisoned(item, f"{key} {one_line(str(item.get('name')), 80)}", "boot")


def _version(ctx: Context) -> Iterator[Finding]:
    if ctx.wire.legacy and ctx.wire.legacy not in LEGACY:
        yield finding(
            "boot.version",
            f"initialize was answered with the protocol version {ctx.wire.legacy!r}, which there is not",
            severity="warning",
            where="initialize",
            fix=f"answer with the version that was asked for if it is one of {', '.join(LEGACY)}",
        )


async def _environment(ctx: Context) -> Finding | None:
    """Build or find what the packages need; done outside the sandbox, with nothing of the packages run."""
    environments = Environments(Path(ctx.request.state), ctx.policy)
    try:
        ctx.environment = await asyncio.to_thread(environments.ensure, ctx.packages, ctx.launch.python)
    except PackagesError as error:
        where = "plugin.json dependencies"
        return finding("boot.packages", error.message, where=where, fix=error.hint)
    return None


def _commands(ctx: Context) -> list[Finding]:
    """What is not there is told as such, before it shows as a failure of something else."""
    folders = [bind.source / "bin" for bind in ctx.environment.binds]
    declared = ctx.manifest.extension.dependencies.commands if ctx.manifest else []
    started = [ctx.launch.command] if "/" not in ctx.launch.command else []
    return [
        *check_commands(declared, "plugin.json dependencies.commands", folders),
        *check_commands(started, "mcp.json command", folders),
    ]


def _no_list(ctx: Context, error: Exception) -> Finding:
    what = one_line(str(error), 600) or "no answer in time"
    return finding("boot.no-list", f"tools/list: {what}", where="tools/list", fix="answer it with {tools: [...]}")


async def _probe_modern(ctx: Context) -> None:
    """Does a server with a handshake also serve the revision without one? Only a note on the wire."""
    peer = ctx.running.peer
    if peer.era == "modern":
        return
    reply = await ctx.running.ask("server/discover", {}, ctx.patience(ctx.policy.qualify.answer))
    ctx.answers_anything = reply.answered
    versions = reply.result.get("supportedVersions")
    if isinstance(versions, list) and MODERN in versions:
        ctx.wire = msgspec.structs.replace(ctx.wire, modern=MODERN)


async def connect_at(ctx: Context, place: Place, era: Era = "legacy") -> Rig | Finding:
    """A server that has shaken hands in a room that was used before, in this era first."""
    rig = rig_at(ctx, place, ctx.wire.framing)
    return _outcome(ctx, await _attempt(rig, _start_timeout(ctx), era))


async def connect(ctx: Context, room: str) -> Rig | Finding:
    """A server that has shaken hands in the named room. One that stays silent is also tried with the other framing,
    in a process of its own: a slow starter is not disturbed by bytes that it cannot read."""
    if ctx.rigs:  # its framing is known
        return _outcome(ctx, await _try(ctx, room, ctx.wire.framing, _start_timeout(ctx)))
    declared = ctx.launch.wire.framing
    other = "headers" if declared == "ndjson" else "ndjson"
    timeout = _start_timeout(ctx)
    first = asyncio.ensure_future(_try(ctx, room, declared, timeout))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(min(ctx.policy.qualify.patience, timeout)):
            await asyncio.shield(first)
    if first.done() and (isinstance(first.result(), Rig) or not _may_be_framing(first.result())):
        return _outcome(ctx, first.result())
    return _outcome(ctx, await _race(first, _try(ctx, f"{room}-{other}", other, timeout)))


async def _race(first: "asyncio.Future[Rig | _Failure]", second: Coroutine[Any, Any, Rig | _Failure]) -> Rig | _Failure:
    """The first to connect; where neither does, the first one's failure."""
    attempts = {first, asyncio.ensure_future(second)}
    pending = attempts
    winner: Rig | None = None
    while pending and winner is None:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        winner = next((r for t in done if isinstance(r := t.result(), Rig)), None)
    for task in pending:
        task.cancel()
    leftovers = await asyncio.gather(*attempts, return_exceptions=True)
    for rig in leftovers:
        if isinstance(rig, Rig) and rig is not winner:
            await rig.close(0)
    return winner or first.result()


def _may_be_framing(failure: "Rig | _Failure") -> bool:
    return isinstance(failure, _Failure) and failure.id in ("boot.exited", "boot.silent", "boot.garbled")


def _start_timeout(ctx: Context) -> float:
    declared = ctx.launch.limits.startup_ms
    return min(declared / 1000 if declared else ctx.policy.qualify.start, ctx.left)


def _outcome(ctx: Context, outcome: Rig | _Failure) -> Rig | Finding:
    if isinstance(outcome, Rig):
        return outcome
    launch = ctx.launch
    command = " ".join([launch.command, *launch.args]).replace("${PLUGIN_ROOT}", ".")
    return finding(outcome.id, outcome.what, where="mcp.json", fix=outcome.fix, repro=_REPRO + command)


async def _try(ctx: Context, room: str, framing: str, timeout: float) -> Rig | _Failure:
    """Start and shake hands, the handshake first, then the revision without one."""
    return await _attempt(await make_rig(ctx, room, framing), timeout)


async def _attempt(rig: Rig, timeout: float, era: Era = "legacy") -> Rig | _Failure:
    try:
        return await _shake(rig, timeout, era)
    except asyncio.CancelledError:
        await rig.close(0)
        raise
    except Exception as error:
        failure = _explain(rig, error, timeout)
        await rig.close(0)
        return failure


async def _shake(rig: Rig, timeout: float, era: Era) -> Rig:
    await rig.open()
    try:
        await rig.peer.handshake(era, timeout)
    except RpcError:
        await rig.peer.handshake("modern" if era == "legacy" else "legacy", timeout)
    return rig


def _explain(rig: Rig, error: Exception, timeout: float) -> _Failure:
    heard = f"; it printed {rig.strays[0]!r} to stdout" if rig.strays else ""
    heard += "; it answered with an id that was not asked" if rig.unasked else ""
    if isinstance(error, TimeoutError):
        return _Failure(
            "boot.silent",
            f"no answer to initialize within {timeout:.0f} s{heard}{_stderr(rig)}",
            "read stdin line by line, answer each request with one line and flush stdout after it",
        )
    if isinstance(error, RpcError):
        return _Failure("boot.refused", f"it refused to begin: {error.message}", "answer initialize with a result")
    if rig.breach:
        return _Failure("boot.exited", f"the server was ended: {rig.breach}", "use less at start")
    if rig.peer.dead:
        return _Failure("boot.exited", rig.peer.dead.message + heard, "see what it wrote to stderr; run it by hand")
    if isinstance(error, UpstreamError):
        return _Failure("boot.garbled", error.message + heard, "write nothing but JSON-RPC messages to stdout")
    if isinstance(error, HarnessGymError):
        return _Failure("boot.not-started", error.message, error.hint)
    raise error


def _stderr(rig: Rig) -> str:
    tail = rig.peer.link.stderr_tail()
    return f"; its stderr ends: {tail}" if tail else ""
