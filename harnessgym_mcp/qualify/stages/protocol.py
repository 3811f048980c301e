"""7 protocol: what every client may send. Whatever the answer is, the server lives on and lists the same tools."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from msgspec import Raw

from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.frames import CANCELLED, encode
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.errors import UpstreamError
from harnessgym_mcp.qualify.context import Context, paste
from harnessgym_mcp.qualify.excuses import excuse
from harnessgym_mcp.qualify.revive import revive
from harnessgym_mcp.qualify.rig import Rig

__all__ = ["drift", "run"]

_UNKNOWN = "no_such_tool_here"
_BROKEN_ID, _NEVER_ID = 99000001, 99000002
_BROKEN = b'{"jsonrpc": "2.0", "id": %d, "method": "tools/list", "params": {' % _BROKEN_ID
_ANNOUNCED = 3  # times within this stage; a single one may be late
_Probe = Callable[[Context, Rig], Awaitable[list[Finding]]]


async def run(ctx: Context) -> list[Finding]:
    found = []
    rig, announced = ctx.running, ctx.running.list_changed
    for probe, what, repro in _PROBES:
        found += await probe(ctx, ctx.running)
        if not await ctx.running.alive(_wait(ctx)):
            died = _died(ctx.running, what, repro)
            found += excuse(ctx, [died], died.id) if probe is _malformed else [died]
            if not await revive(ctx):
                return found
    found += await drift(ctx, ctx.running, "protocol")
    return [*found, *_announces(rig.list_changed - announced)]


def _announces(times: int) -> Iterator[Finding]:
    """Each announcement is answered with a new listing; from a server that announces at each listing, without end."""
    if times >= _ANNOUNCED:
        yield finding(
            "protocol.list-changed",
            f"{times} times it announced that its list of tools had changed, while nothing was to change it",
            where="notifications/tools/list_changed",
            fix="announce nothing: the list of an artifact stays as it is",
        )


def _died(rig: Rig, what: str, repro: str) -> Finding:
    how = rig.breach or rig.peer.dead.message if rig.peer.dead else "it no longer answers tools/list"
    return finding(
        "protocol.died",
        f"the server did not outlive {what}: {how}",
        where="server",
        fix="catch what goes wrong with one message and go on to the next",
        repro=repro,
    )


async def drift(ctx: Context, rig: Rig, stage: str) -> list[Finding]:
    """Does it still list the very definitions that were checked?"""
    try:
        tools = await rig.peer.list_tools(min(ctx.policy.qualify.start, ctx.left))
    except (UpstreamError, TimeoutError) as error:
        what = f"tools/list is no longer answered: {one_line(str(error), 300) or 'no answer in time'}"
        return [finding(f"{stage}.drift", what, where="tools/list", fix="answer it at any time")]
    before, after = pins(ctx.tools), pins(tools)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if not changed:
        return []
    return [
        finding(
            f"{stage}.drift",
            f"the definitions are not what they were: {', '.join(changed[:5])}",
            where=f"tool {changed[0]}",
            fix="list the same tools always, wherever and whenever the server is started",
        )
    ]


# ---- probes


async def _ping(ctx: Context, rig: Rig) -> list[Finding]:
    reply = await rig.ask("ping", {}, _wait(ctx))
    if reply.kind == "result":
        return []
    return [_hint("ping", "ping is not answered with an empty result", "answer ping with {}", '{"method": "ping"}')]


async def _unknown_method(ctx: Context, rig: Rig) -> list[Finding]:
    reply = await rig.ask("harnessgym/no-such-method", {}, _wait(ctx))
    if reply.kind == "rpc-error":
        return []
    what = "an unknown method is not answered with an error"
    return [_hint("unknown-method", what, "answer with error -32601", '{"method": "harnessgym/no-such-method"}')]


async def _unknown_tool(ctx: Context, rig: Rig) -> list[Finding]:
    reply = await rig.call(_UNKNOWN, {}, _wait(ctx))
    if reply.failed:
        return []
    what = "a call of a tool that there is not is not answered with an error"
    return [_hint("unknown-tool", what, "answer with an error", paste(_UNKNOWN, {}))]


def _hint(id: str, what: str, fix: str, repro: str) -> Finding:
    return finding(f"protocol.{id}", what, severity="warning", where="server", fix=fix, repro=repro)


async def _malformed(ctx: Context, rig: Rig) -> list[Finding]:
    rig.cancelled.add(_BROKEN_ID)  # a lenient reader may answer it
    rig.peer.link.send(_BROKEN)
    return []


async def _odd(ctx: Context, rig: Rig) -> list[Finding]:
    """Legal and seldom: an unknown notification, a call without arguments, one with `arguments: null`."""
    rig.peer.notify("notifications/no-such-notification", {"a": Raw(b"[1]")})
    name = Raw(encode(str(ctx.tools[0]["name"])))
    for params in ({"name": name}, {"name": name, "arguments": Raw(b"null")}):
        await rig.ask("tools/call", params, _slow(ctx))
    return []


async def _cancel(ctx: Context, rig: Rig) -> list[Finding]:
    """A call that is cancelled at once, and one that never was."""
    waiter = _Nobody()
    name, arguments = _harmless(ctx)
    if not name:
        return []
    params = {"name": Raw(encode(name)), "arguments": Raw(encode(arguments))}
    number = rig.peer.ask(waiter, "tools/call", rig.with_era(params))
    for id in (number, _NEVER_ID):
        rig.peer.notify(CANCELLED, {"requestId": Raw(b"%d" % id), "reason": Raw(b'"a probe"')})
    await rig.alive(_slow(ctx))
    rig.peer.waiting.pop(number, None)
    rig.cancelled.add(number)
    return []


class _Nobody:
    """Waits for an answer that may never come."""

    def answered(self, answer: object) -> None:
        return None

    def failed(self, error: UpstreamError) -> None:
        return None


def _harmless(ctx: Context) -> tuple[str, dict[str, Any]]:
    """A call that is known to be answered; ("", {}) if there is none."""
    held = [a for a in ctx.answered if a.held]
    return (held[0].call.tool, held[0].call.arguments) if held else ("", {})


def _wait(ctx: Context) -> float:
    return ctx.patience(ctx.policy.qualify.answer)


def _slow(ctx: Context) -> float:
    """As long as the slowest call of the self-test took, and then some."""
    slowest = max((a.reply.ms for a in ctx.answered), default=0.0) / 1000
    return min(max(_wait(ctx), 3 * slowest), ctx.call_timeout)


_PROBES: tuple[tuple[_Probe, str, str], ...] = (
    (_ping, "ping", '{"jsonrpc": "2.0", "id": 1, "method": "ping"}'),
    (_unknown_method, "an unknown method", '{"jsonrpc": "2.0", "id": 1, "method": "harnessgym/no-such-method"}'),
    (_unknown_tool, "a call of an unknown tool", paste(_UNKNOWN, {})),
    (_malformed, "a line that is not JSON", _BROKEN.decode()),
    (
        _odd,
        "a call without arguments",
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "..."}}',
    ),
    (
        _cancel,
        "a cancelled call",
        '{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}',
    ),
)
