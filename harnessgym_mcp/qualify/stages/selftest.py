"""5 self-test: every declared call through MCP, every tool covered, errors among them."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.core.fuzz import violations
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import mismatches
from harnessgym_mcp.qualify.checks.guarded import PatternTooSlow, deadline
from harnessgym_mcp.qualify.command import run_command
from harnessgym_mcp.qualify.context import Answered, Context, paste
from harnessgym_mcp.qualify.excuses import excuse
from harnessgym_mcp.qualify.reply import Reply, as_result
from harnessgym_mcp.qualify.rig import Rig

if TYPE_CHECKING:
    from harnessgym_mcp.core.manifest import SelfTestCall

__all__ = ["coverage", "play", "run"]

_WHERE = 'plugin.json extensions["io.harnessgym"].self_test'


async def run(ctx: Context) -> list[Finding]:
    manifest = ctx.manifest
    if manifest is None:
        return []
    self_test = manifest.extension.self_test
    lacking = coverage(ctx.tools, self_test.calls)
    found = excuse(ctx, lacking, "self-test.uncovered", "self-test.no-error-call")
    found += excuse(ctx, lawless(ctx.tools, self_test.calls), "self-test.schema")
    ctx.answered, played = await play(ctx, ctx.running, self_test.calls)
    found += played
    if self_test.command:
        found += await run_command(ctx, self_test.command)
    return found


async def play(ctx: Context, rig: Rig, calls: "Iterable[SelfTestCall]") -> tuple[list[Answered], list[Finding]]:
    """Each call in its turn. A server that dies or stops answering is not asked further."""
    answered: list[Answered] = []
    found: list[Finding] = []
    for at, call in enumerate(calls):
        began = time.monotonic()
        reply = await rig.call(call.tool, call.arguments, ctx.call_timeout)
        problems = list(_judge(at, call, reply, rig))
        answered.append(Answered(call, reply, not any(p.severity == "error" for p in problems)))
        found += problems
        if reply.kind in ("timeout", "garbled") and not await rig.alive(ctx.patience(2 * ctx.policy.qualify.answer)):
            found.append(_hung(call, time.monotonic() - began))
            ctx.stuck = ctx.current is rig
            break
        if reply.kind == "died":
            break
    return answered, found


def _judge(at: int, call: "SelfTestCall", reply: Reply, rig: Rig) -> "Iterator[Finding]":
    where, repro = f"{_WHERE}.calls[{at}]", paste(call.tool, call.arguments)
    if reply.kind == "died":
        fix = "use less" if rig.breach else "catch the error and answer with isError: true"
        yield finding("self-test.died", rig.breach or reply.message, where=where, fix=fix, repro=repro)
    elif reply.kind == "timeout":
        yield finding(
            "self-test.timeout",
            f"{call.tool}: {reply.message}",
            where=where,
            fix="make it faster, or declare a longer limits.call_ms",
            repro=repro,
        )
    elif reply.kind == "garbled":
        yield finding("self-test.garbled", reply.message, where=where, fix="answer with one JSON object", repro=repro)
    else:
        for what in mismatches(call.expect, as_result(reply)):
            fix = "correct the tool or the test"
            yield finding("self-test.mismatch", f"{call.tool}: {what}", where=where, fix=fix, repro=repro)
        if reply.kind == "rpc-error":
            yield finding(
                "self-test.rpc-error",
                f"{call.tool} answered with a JSON-RPC error; models see a result with isError better",
                severity="info",
                where=where,
                fix="answer with {content: [...], isError: true}",
                repro=repro,
            )


def _hung(call: "SelfTestCall", seconds: float) -> Finding:
    return finding(
        "self-test.hung",
        f"after {call.tool} ({seconds:.1f} s) the server no longer answers tools/list",
        where=f"tool {call.tool}",
        fix="never block the loop that reads requests",
        repro=paste(call.tool, call.arguments),
    )


# ---- coverage


def coverage(tools: list[dict[str, Any]], calls: "list[SelfTestCall]") -> Iterator[Finding]:
    """Every tool by a call that should succeed; some tool by one that should not."""
    listed = {str(t.get("name")): t for t in tools}
    for at, call in enumerate(calls):
        if call.tool not in listed:
            yield finding(
                "self-test.unknown-tool",
                f"there is no tool {call.tool!r}; there are {', '.join(sorted(listed))}",
                where=f"{_WHERE}.calls[{at}]",
                fix="name a listed tool, by the server's own name for it",
            )
    tested = {c.tool for c in calls if not c.expect.isError}
    for name, tool in listed.items():
        if name not in tested:
            yield finding(
                "self-test.uncovered",
                f"no self-test call succeeds with {one_line(name, 80)!r}",
                where=_WHERE,
                fix=f'add to calls: {{"tool": "{name}", "arguments": {{...}}, "expect": {{"text": "..."}}}}',
                repro=paste(name, _example(tool)),
            )
    if not any(c.expect.isError for c in calls):
        yield from _no_error_call(listed)


def lawless(tools: list[dict[str, Any]], calls: "list[SelfTestCall]") -> Iterator[Finding]:
    """Who keeps to a tool's inputSchema must be able to make the calls that its author makes."""
    for tool in tools:
        meant = [c for c in calls if c.tool == tool.get("name") and not c.expect.isError]
        broken = [(c, what) for c in meant if (what := _breach(_schema(tool), c.arguments))]
        if broken:
            call, what = broken[0]
            yield finding(
                "self-test.schema",
                f"{len(broken)} of {len(meant)} calls that are to succeed break the inputSchema: {what}",
                severity="error" if len(broken) == len(meant) else "warning",
                where=f"tool {one_line(call.tool, 80)}",
                fix="let the schema allow what the tool takes, or correct the calls",
                repro=paste(call.tool, call.arguments),
            )


def _breach(schema: dict[str, Any], arguments: dict[str, Any]) -> str:
    """The first thing that is wrong with the arguments, "" for none or where it cannot be told."""
    try:
        with deadline(1.0):
            where, what = next(iter(violations(schema, arguments)), ("", ""))
    except (PatternTooSlow, re.error, RecursionError):
        return ""
    return one_line(f"{where} {what}".strip(), 300)


def _no_error_call(listed: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Needed where some call must fail: where an argument is required. Optional arguments alone deserve a hint."""
    demanding = next((n for n, t in listed.items() if _schema(t).get("required")), None)
    lenient = next((n for n, t in listed.items() if _schema(t).get("properties")), None)
    name = demanding or lenient
    if name is not None:
        yield finding(
            "self-test.no-error-call",
            "no self-test call expects an error",
            severity="error" if demanding else "info",
            where=_WHERE,
            fix=f'add to calls: {{"tool": "{name}", "arguments": {{}}, "expect": {{"isError": true}}}}',
            repro=paste(name, {}),
        )


def _schema(tool: dict[str, Any]) -> dict[str, Any]:
    schema = tool.get("inputSchema")
    return schema if isinstance(schema, dict) else {}


def _example(tool: dict[str, Any]) -> dict[str, Any]:
    required = _schema(tool).get("required")
    return {str(key): "..." for key in required} if isinstance(required, list) else {}
