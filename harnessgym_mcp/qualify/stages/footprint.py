"""12 footprint: what the server left behind, touched and took, and how it went when its input ended."""

import asyncio
from collections.abc import Iterator

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.qualify.rig import Rig
from harnessgym_mcp.store.tree import UNBOUNDED, survey

__all__ = ["run"]


async def run(ctx: Context) -> list[Finding]:
    grace = ctx.patience(ctx.policy.qualify.eof_grace)
    await asyncio.gather(*(rig.close(grace) for rig in ctx.rigs))
    found: dict[tuple[str, str], Finding] = {}
    for rig in ctx.rigs:  # what several rooms show is told once
        for item in _look(ctx, rig):
            found.setdefault((item.id, item.where), item)
    return list(found.values())


def _look(ctx: Context, rig: Rig) -> Iterator[Finding]:
    yield from (_daemon(name) for name in rig.daemons[:3])
    if rig.stayed:
        yield _stays(ctx)
    for look in (_bounds, _own_files, _workspace, _output):
        yield from look(ctx, rig)
    for plain in (_strays, _unasked, _secrets):
        yield from plain(rig)


def _daemon(name: str) -> Finding:
    return finding(
        "footprint.daemon",
        f"the process {one_line(name, 60)!r} has left the server's family (a daemon)",
        where="processes",
        fix="keep helpers as children of the server and end them with it",
    )


def _bounds(ctx: Context, rig: Rig) -> Iterator[Finding]:
    if rig.breach:
        yield finding(
            "footprint.bounds",
            f"the server was ended: {rig.breach}",
            where="server",
            fix="use less, or work in smaller pieces; limits.memory_mb may lower the bound, not raise it",
        )


def _stays(ctx: Context) -> Finding:
    return finding(
        "footprint.ignores-eof",
        f"{ctx.policy.qualify.eof_grace:.0f} s after the end of its stdin it still ran",
        where="server",
        fix="leave the read loop at end of file and exit; make helper threads daemons",
    )


def _strays(rig: Rig) -> Iterator[Finding]:
    if rig.stray_count:
        first = "; ".join(repr(line) for line in rig.strays[:3])
        yield finding(
            "footprint.stray-stdout",
            f"{rig.stray_count} lines on stdout are no JSON-RPC messages: {first}",
            where="stdout",
            fix="print to stderr; stdout belongs to the protocol",
        )


def _unasked(rig: Rig) -> Iterator[Finding]:
    """An answer with a made-up id could be taken for another call's."""
    if rig.unasked:
        yield finding(
            "footprint.unasked",
            f"{rig.unasked} answers bore an id that was not asked, or came twice",
            where="stdout",
            fix="answer each request once, with its own id",
        )
    if rig.answers_to_nothing:
        yield finding(
            "footprint.answers-notifications",
            f"{rig.answers_to_nothing} answers have `id: null`; notifications are not answered",
            severity="warning",
            where="stdout",
            fix="answer only messages that have an id",
        )


def _secrets(rig: Rig) -> Iterator[Finding]:
    for name in rig.touched:
        yield finding(
            "footprint.reads-credentials",
            f"it opened ~/{name}",
            where=f"~/{name}",
            fix="read nothing in the home folder; take what is needed as an argument",
        )
    for tool in sorted(set(rig.leaks)):
        yield finding(
            "footprint.leaks-credentials",
            "an answer held the content of a credential file",
            where=f"tool {tool}",
            fix="read nothing in the home folder",
        )


def _own_files(ctx: Context, rig: Rig) -> Iterator[Finding]:
    tree = ctx.tree
    after, problems = survey(rig.place.root, UNBOUNDED, strict=True)
    old = {f.path: f for f in tree.files} if tree else {}
    new = {f.path: f for f in after.files}
    changed = sorted(p for p in old.keys() | new.keys() if old.get(p) != new.get(p) and "__pycache__" not in p)
    changed += [where for where, _, _ in problems]
    if changed:
        yield finding(
            "footprint.self-modified",
            f"its own files changed while it ran: {', '.join(changed[:5])}",
            where=changed[0],
            fix="write below ${PLUGIN_DATA} only",
        )


def _workspace(ctx: Context, rig: Rig) -> Iterator[Finding]:
    """Where the workspace may be read only, nothing in it may change."""
    if rig.place.workspace is None or ctx.launch.permissions.workspace == "write":
        return
    if changed := sorted(rig.place.changed_files()):
        yield finding(
            "footprint.workspace-write",
            f"it wrote to the workspace, which it may only read: {', '.join(changed[:5])}",
            where=changed[0],
            fix='write below ${PLUGIN_DATA}, or ask for "workspace": "write"',
        )


def _output(ctx: Context, rig: Rig) -> Iterator[Finding]:
    size, tool = rig.heaviest
    declared = ctx.launch.limits.output_bytes
    most = declared or ctx.policy.qualify.output_bytes
    if size > most:
        yield finding(
            "footprint.output",
            f"an answer has {size} bytes; {most} are allowed",
            where=f"tool {tool}",
            fix="cut or page it" if declared else "cut or page it, or declare limits.output_bytes",
        )
    elif size > ctx.policy.limits.result_chars:
        yield finding(
            "footprint.output",
            f"an answer has {size} bytes; clients cut or refuse results above {ctx.policy.limits.result_chars}",
            severity="warning",
            where=f"tool {tool}",
            fix="offer a limit or pages",
        )
