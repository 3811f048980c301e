"""11 regression: a new version answers what the version before it answered."""

import json
from collections.abc import Iterator
from pathlib import Path

from harnessgym_mcp.core.manifest import ArtifactManifest, ManifestError, SelfTestCall, parse_manifest
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import mismatches
from harnessgym_mcp.qualify.context import Context, paste
from harnessgym_mcp.qualify.reply import Reply, as_result
from harnessgym_mcp.qualify.request import Previous

__all__ = ["run", "unneeded"]


def unneeded(ctx: Context) -> str:
    """Why there is nothing to compare, "" if there is."""
    previous = ctx.request.previous
    if previous is None:
        return "no version before"
    return "the same version" if ctx.tree and previous.digest == ctx.tree.digest else ""


async def run(ctx: Context) -> list[Finding]:
    previous = ctx.request.previous
    if previous is None:
        return []
    found = list(_gone(ctx, previous))
    listed = {str(t["name"]) for t in ctx.tools}
    for call in _calls(previous):
        if call.tool in listed:
            reply = await ctx.running.call(call.tool, call.arguments, ctx.call_timeout)
            found += _judged(call, reply)
    for sample in previous.samples[: ctx.policy.qualify.sample_calls]:
        if sample.tool in listed:
            reply = await ctx.running.call(sample.tool, sample.arguments, ctx.call_timeout)
            found += _sampled(sample.tool, sample.arguments, reply)
    return found


def _gone(ctx: Context, previous: Previous) -> Iterator[Finding]:
    now = {str(t["name"]) for t in ctx.tools}
    for tool in previous.tools:
        if tool.get("name") not in now:
            yield finding(
                "regression.tool-gone",
                f"the version before has the tool {str(tool.get('name'))!r}; this one has not",
                where="tools/list",
                fix="keep it, or submit the new tools under a name of their own",
            )


def _calls(previous: Previous) -> list[SelfTestCall]:
    """The self-test of the version before; nothing where that cannot be read any more."""
    manifest = _manifest(Path(previous.source))
    return manifest.extension.self_test.calls if manifest else []


def _manifest(root: Path) -> ArtifactManifest | None:
    try:
        plugin = json.loads((root / "plugin.json").read_bytes())
        mcp = root / "mcp.json"
        return parse_manifest(plugin, json.loads(mcp.read_bytes()) if mcp.exists() else None)
    except (OSError, ValueError, RecursionError, ManifestError):
        return None


def _judged(call: SelfTestCall, reply: Reply) -> list[Finding]:
    problems = mismatches(call.expect, as_result(reply)) if reply.answered else [reply.message]
    return [
        finding(
            "regression.self-test",
            f"{call.tool} no longer passes the self-test of the version before: {what}",
            where=f"tool {call.tool}",
            fix="keep what callers rely on, or submit it under a name of its own",
            repro=paste(call.tool, call.arguments),
        )
        for what in problems[:1]
    ]


def _sampled(tool: str, arguments: dict[str, object], reply: Reply) -> list[Finding]:
    """A recorded call may have depended on files that are not here: an error is told, a death rejects."""
    if reply.answered and not reply.failed:
        return []
    return [
        finding(
            "regression.recorded-call",
            f"a recorded call that succeeded before now fails: {reply.message or as_result(reply)}",
            severity="warning" if reply.answered else "error",
            where=f"tool {tool}",
            fix="answer it as before",
            repro=paste(tool, arguments),
        )
    ]
