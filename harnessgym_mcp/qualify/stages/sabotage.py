"""6 sabotage: the same self-test against spoilt answers must fail; a test that passes asserts nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import mismatches
from harnessgym_mcp.qualify.context import Answered, Context, paste
from harnessgym_mcp.qualify.reply import as_result

__all__ = ["run", "unasserted"]

_EMPTY: Mapping[str, Any] = {"content": []}
_CONSTANTS: tuple[Mapping[str, Any], ...] = (
    {"content": [{"type": "text", "text": "ok"}]},
    {"content": [{"type": "text", "text": "{}"}], "structuredContent": {}},
    {"content": [{"type": "text", "text": "0"}], "structuredContent": {"result": 0}},
    {"content": [{"type": "text", "text": "0"}]},
)


async def run(ctx: Context) -> list[Finding]:
    """Needs no server: the answers of the self-test are at hand."""
    return list(unasserted(ctx.answered))


def unasserted(answered: list[Answered]) -> Iterator[Finding]:
    """A finding for each tool whose successful calls would not notice that it is broken."""
    tools = dict.fromkeys(a.call.tool for a in answered if a.held)
    for tool in tools:
        calls = [a for a in answered if a.held and a.call.tool == tool and not a.call.expect.isError]
        if calls and (how := _survives(calls)):
            call = calls[0].call
            yield finding(
                "sabotage.unnoticed",
                f"the self-test of {tool!r} also passes when {how}",
                where='plugin.json extensions["io.harnessgym"].self_test',
                fix="expect what only the right answer holds: text, structuredContent or json",
                repro=paste(call.tool, call.arguments),
            )


def _survives(calls: list[Answered]) -> str:
    """How answers can be spoilt without one of the calls failing; "" when each way is noticed."""
    real = [as_result(a.reply) for a in calls]
    if _passes(calls, [_EMPTY] * len(calls)):
        return "every answer is empty"
    for constant in _CONSTANTS:
        if constant not in real and _passes(calls, [constant] * len(calls)):
            return f"every answer is {constant['content'][0]['text']!r}"
    distinct = [r for n, r in enumerate(real) if r not in real[:n]]
    if len(distinct) > 1:
        if any(_passes(calls, [one] * len(calls)) for one in distinct):
            return "every call gets one and the same answer"
        if _passes(calls, [*real[1:], real[0]]):
            return "the answers are swapped"
    return ""


def _passes(calls: list[Answered], results: "list[Mapping[str, Any]]") -> bool:
    return not any(mismatches(a.call.expect, r) for a, r in zip(calls, results, strict=True))
