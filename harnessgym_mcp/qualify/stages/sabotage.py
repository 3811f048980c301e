"""6 sabotage: the same self-test against spoilt answers must fail; a test that passes asserts nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.expect import mismatches
from harnessgym_mcp.qualify.context import Answered, Context, paste
from harnessgym_mcp.qualify.reply import as_result

__all__ = ["run", "unasserted"]

_ODD = -987_654_321.5  # within no bounds that mean something
_EMPTY: Mapping[str, Any] = {"content": []}
_CONSTANTS: tuple[Mapping[str, Any], ...] = (
    {"content": [{"type": "text", "text": "ok"}]},
    {"content": [{"type": "text", "text": "{}"}], "structuredContent": {}},
    {"content": [{"type": "text", "text": "0"}], "structuredContent": {"result": 0}},
    {"content": [{"type": "text", "text": "0"}]},
)


async def run(ctx: Context) -> list[Finding]:
    """Needs no server: the answers of the self-test are at hand."""
    measured = ctx.manifest is not None and ctx.manifest.extension.determinism == "measured"
    return list(unasserted(ctx.answered, measured=measured))


def unasserted(answered: list[Answered], *, measured: bool = False) -> Iterator[Finding]:
    """A finding for each tool whose successful calls would not notice that it is broken. What is `measured` cannot be
    asked for its very values."""
    tools = dict.fromkeys(a.call.tool for a in answered if a.held)
    for tool in tools:
        calls = [a for a in answered if a.held and a.call.tool == tool and not a.call.expect.isError]
        if calls and (how := _survives(calls, measured)):
            call = calls[0].call
            yield finding(
                "sabotage.unnoticed",
                f"the self-test of {tool!r} also passes when {how}",
                where='plugin.json extensions["io.harnessgym"].self_test',
                fix="expect what only the right answer holds: text, structuredContent or json",
                repro=paste(call.tool, call.arguments),
            )


def _survives(calls: list[Answered], measured: bool) -> str:
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
    hollow = [[_hollow_result(r, number) for r in real] for number in (0, _ODD)]
    if (
        not measured
        and all(_said(spoilt) != _said(real) for spoilt in hollow)
        and all(_passes(calls, spoilt) for spoilt in hollow)
    ):
        return "every number, text and list in the answers is another one"
    return ""


def _said(results: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [r.get("structuredContent", r.get("content")) for r in results]


def _hollow_result(result: Mapping[str, Any], number: float) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if isinstance(result.get("content"), list):
        parts["content"] = [_hollow_text(b, number) for b in result["content"] if isinstance(b, Mapping)]
    if "structuredContent" in result:
        parts["structuredContent"] = _hollow(result["structuredContent"], number)
    return {**result, **parts}


def _hollow(value: Any, number: float) -> Any:
    """The same keys and types with other values: empty texts and lists, this number, flags turned round."""
    if isinstance(value, Mapping):
        return {key: _hollow(item, number) for key, item in value.items()}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return number
    return type(value)() if isinstance(value, str | list) else value


def _hollow_text(block: Mapping[str, Any], number: float) -> dict[str, Any]:
    try:
        text = json.dumps(_hollow(json.loads(str(block.get("text"))), number))
    except (ValueError, RecursionError):
        text = ""
    return {**block, "text": text}


def _passes(calls: list[Answered], results: Sequence[Mapping[str, Any]]) -> bool:
    return not any(mismatches(a.call.expect, r) for a, r in zip(calls, results, strict=True))
