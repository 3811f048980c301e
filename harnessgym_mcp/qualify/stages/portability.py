"""10 portability: another place, home, zone, language and hash seed, and the first place again: the same definitions,
and the same answers as far as the manifest declares so.
"""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from harnessgym_mcp.core.manifest import ArtifactManifest
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.core.wire import MODERN
from harnessgym_mcp.qualify.checks.expect import text_of
from harnessgym_mcp.qualify.context import Answered, Context, paste
from harnessgym_mcp.qualify.place import Place
from harnessgym_mcp.qualify.reply import Reply
from harnessgym_mcp.qualify.rig import Rig
from harnessgym_mcp.qualify.rooms import SECOND
from harnessgym_mcp.qualify.stages.boot import connect, connect_at
from harnessgym_mcp.qualify.stages.protocol import drift
from harnessgym_mcp.qualify.stages.selftest import play

__all__ = ["run"]


async def run(ctx: Context) -> list[Finding]:
    if ctx.manifest is None:
        return []
    found = await asyncio.gather(_elsewhere(ctx, ctx.manifest), _again(ctx))
    return [item for part in found for item in part]


async def _elsewhere(ctx: Context, manifest: ArtifactManifest) -> list[Finding]:
    second = await (ctx.second or connect(ctx, SECOND))
    ctx.second = None
    if isinstance(second, Finding):
        return [_not_here(second)]
    first = ctx.rigs[0]
    ctx.take(second)
    found = await drift(ctx, second, "portability")
    answered, _ = await play(ctx, second, manifest.extension.self_test.calls)
    return found + list(_compared(ctx, first, second, answered))


def _not_here(why: Finding) -> Finding:
    return finding(
        "portability.boot",
        f"it starts in one place and not in another: {why.what}",
        where="another folder (with a space in its path), home, zone, language and hash seed",
        fix="take paths from PLUGIN_ROOT and PLUGIN_DATA; quote them; need nothing of the environment",
        repro=why.repro,
    )


async def _again(ctx: Context) -> list[Finding]:
    """A second start over the data that the first one left."""
    first = ctx.rigs[0]
    await first.close(ctx.patience(ctx.policy.qualify.eof_grace))
    home = first.place.home.with_name("home-again")  # the first one's decoys are still watched
    place = dataclasses.replace(first.place, home=home)
    if await _modern(ctx, place):
        return []
    rig = await connect_at(ctx, place)
    if isinstance(rig, Finding):
        return [
            finding(
                "portability.restart",
                f"it does not start a second time over its own data: {rig.what}",
                where="${PLUGIN_DATA}",
                fix="read what an earlier run left, or pass it over",
                repro=rig.repro,
            )
        ]
    ctx.rigs.append(rig)
    return await drift(ctx, rig, "portability")


async def _modern(ctx: Context, place: Place) -> bool:
    """Many servers decide on an era by the first request: does this one serve the revision without a handshake when
    that comes first, and list the same tools? Then this was the second start as well."""
    if ctx.wire.modern or not ctx.answers_anything:
        return False
    rig = await connect_at(ctx, place, "modern")
    if isinstance(rig, Finding):
        return False
    ctx.rigs.append(rig)
    same = not await drift(ctx, rig, "portability")
    if same and rig.peer.era == "modern":
        ctx.wire = msgspec.structs.replace(ctx.wire, modern=MODERN)
    return same


# ---- answers


def _compared(ctx: Context, first: Rig, second: Rig, answered: list[Answered]) -> Iterator[Finding]:
    exact = ctx.manifest is not None and ctx.manifest.extension.determinism != "measured"
    seen = set()
    for before, after in zip(ctx.answered, answered, strict=False):
        if not before.held or before.call.tool in seen:
            continue
        item = _expected(after) if not after.held else _differing(first, second, before, after) if exact else None
        if item is not None:
            seen.add(before.call.tool)
            yield item


def _expected(after: Answered) -> Finding:
    call = after.call
    said = after.reply.message or one_line(text_of(after.reply.result), 300)
    return finding(
        "portability.self-test",
        f"the self-test's call passes in one place and fails in another: {said}",
        where=f"tool {call.tool}",
        fix="take nothing from the folder's path, home, zone, language, hash order or clock",
        repro=paste(call.tool, call.arguments),
    )


def _differing(first: Rig, second: Rig, before: Answered, after: Answered) -> Finding | None:
    call = before.call
    was, is_now = _canonical(first, before.reply), _canonical(second, after.reply)
    if was == is_now:
        return None
    return finding(
        "portability.nondeterministic",
        f"the same call was answered {one_line(was, 250)} and then {one_line(is_now, 250)}",
        where=f"tool {call.tool}",
        fix='sort what comes from sets, leave out times and paths, or declare "determinism": "measured"',
        repro=paste(call.tool, call.arguments),
    )


def _canonical(rig: Rig, reply: Reply) -> str:
    """An answer as text, with the room's own paths in it made alike."""
    said: Any = reply.message or [text_of(reply.result), reply.result.get("structuredContent")]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    for name, path in rig.inside_paths().items():
        text = text.replace(path, f"<{name}>")
    return text
