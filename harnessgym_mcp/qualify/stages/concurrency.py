"""9 concurrency: many calls at once. None is lost, none gets another's answer."""

import asyncio
import json
from collections.abc import Iterator

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import text_of
from harnessgym_mcp.qualify.context import Context, Sample, paste
from harnessgym_mcp.qualify.reply import Reply
from harnessgym_mcp.qualify.revive import revive

__all__ = ["run"]

_SECONDS = 5.0  # that all calls may take one after the other
_LEAST = 4


async def run(ctx: Context) -> list[Finding]:
    rig = ctx.running
    calls = _chosen(ctx)
    if not calls:
        return []
    timeout = max(ctx.patience(3.0), min(5 * _seconds(calls), ctx.left))
    replies = await asyncio.gather(*(rig.call(c.tool, c.arguments, timeout) for c in calls))
    found = [*_unanswered(calls, replies), *await _swapped(ctx, calls, replies)]
    if not await rig.alive(ctx.patience(ctx.policy.qualify.answer)):
        await revive(ctx)
    return found


def _seconds(calls: list[Sample]) -> float:
    return sum(c.reply.ms for c in calls) / 1000


def _chosen(ctx: Context) -> list[Sample]:
    """Calls with different answers, the quickest first, repeated up to policy's number."""
    most = ctx.policy.qualify.output_bytes // ctx.policy.qualify.concurrency_calls
    quick = sorted((s for s in ctx.samples if s.reply.size <= most), key=lambda s: s.reply.ms)
    different: dict[str, Sample] = {}
    for sample in quick:
        different.setdefault(f"{sample.tool} {_said(sample.reply)}", sample)
    pool = list(different.values())
    if not pool:
        return []
    chosen = [pool[n % len(pool)] for n in range(ctx.policy.qualify.concurrency_calls)]
    while len(chosen) > _LEAST and _seconds(chosen) > _SECONDS:
        chosen.pop()
    return chosen


def _said(reply: Reply) -> str:
    return json.dumps(reply.result.get("structuredContent", text_of(reply.result)), sort_keys=True)


def _unanswered(calls: list[Sample], replies: list[Reply]) -> Iterator[Finding]:
    for call, reply in zip(calls, replies, strict=True):
        if not reply.answered:
            what = {"died": "the server died", "timeout": "a call was not answered"}.get(
                reply.kind, "an answer is broken"
            )
            yield finding(
                f"concurrency.{'died' if reply.kind == 'died' else 'missing'}",
                f"{what} when {len(calls)} were sent at once: {reply.message}",
                where=f"tool {call.tool}",
                fix="answer every request by its own id, in any order, one line each; lock what threads share",
                repro=f"{len(calls)} at once, among them: {paste(call.tool, call.arguments)}",
            )
            return


async def _swapped(ctx: Context, calls: list[Sample], replies: list[Reply]) -> list[Finding]:
    """An answer that another call should have had."""
    owners = {(c.tool, _said(c.reply)): c for c in calls}
    for call, reply in zip(calls, replies, strict=True):
        said = _said(reply) if reply.kind == "result" else ""
        owner = next((c for (_, answer), c in owners.items() if answer == said), None)
        if said == _said(call.reply) or owner is None or not said:
            continue
        if await _steady(ctx, call, list(owners.values())):
            return [_mixed_up(call, owner, said)]
    return []


async def _steady(ctx: Context, call: Sample, others: list[Sample]) -> bool:
    """Is it answered as before, whatever was asked last? A call that tells what others have done need not be."""
    for other in others:
        await ctx.running.call(other.tool, other.arguments, ctx.call_timeout)
        again = await ctx.running.call(call.tool, call.arguments, ctx.call_timeout)
        if _said(again) != _said(call.reply):
            return False
    return True


def _mixed_up(call: Sample, owner: Sample, said: str) -> Finding:
    return finding(
        "concurrency.mixed-up",
        f"{call.tool} {one_line(json.dumps(call.arguments), 200)} got {one_line(said, 200)}, the answer to "
        f"{owner.tool} {one_line(json.dumps(owner.arguments), 200)}",
        where=f"tool {call.tool}",
        fix="keep each request's id with its own work; nothing of a call in a global",
        repro=f"at once: {paste(call.tool, call.arguments)} and {paste(owner.tool, owner.arguments)}",
    )
