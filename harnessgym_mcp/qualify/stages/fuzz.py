"""8 fuzz: seeded values from each input schema, valid and near-valid. No death, no hang, no broken promise.

Refusing a valid value is no fault that can be proved (a path has to exist, an end has to follow a beginning) and
taking a near-valid one is careless at worst: both are told, neither rejects.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harnessgym_mcp.core.fuzz import Generator, Unsatisfiable, spoilt
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.qualify.checks.answers import check_answer
from harnessgym_mcp.qualify.checks.constant import constant
from harnessgym_mcp.qualify.checks.guarded import PatternTooSlow, deadline
from harnessgym_mcp.qualify.checks.orders import ordering
from harnessgym_mcp.qualify.context import Context, Sample, paste
from harnessgym_mcp.qualify.reply import Reply, as_result
from harnessgym_mcp.qualify.revive import revive

__all__ = ["run"]

_DEATHS = 2  # of one tool, after which it is left alone


@dataclass(frozen=True, slots=True)
class _Case:
    arguments: Any
    valid: bool
    what: str = ""  # for a near-valid one: what is wrong


@dataclass(slots=True)
class _Tally:
    """What one tool did."""

    tool: dict[str, Any]
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    valid: list[tuple[_Case, Reply]] = field(default_factory=list)
    spoilt: list[tuple[_Case, Reply]] = field(default_factory=list)
    deaths: int = 0

    def tell(self, item: Finding) -> None:
        """The first of each kind is enough."""
        self.findings.setdefault((item.id, item.severity), item)


async def run(ctx: Context) -> list[Finding]:
    found = list(_self_test_answers(ctx))
    end = time.monotonic() + min(ctx.policy.qualify.fuzz_total, ctx.left / 2)
    tools = [t for t in ctx.tools if t["name"] not in _broken(ctx)]
    for at, tool in enumerate(tools):
        share = min((end - time.monotonic()) / (len(tools) - at), ctx.policy.qualify.fuzz_total / 2)
        tally = _Tally(tool)
        going = await _fuzz(ctx, tally, time.monotonic() + share)
        found += [*tally.findings.values(), *_sums(ctx, tally)]
        if not going:
            break
    return found


def _self_test_answers(ctx: Context) -> Iterator[Finding]:
    """The answers that are known already keep the same rules."""
    tools = {t["name"]: t for t in ctx.tools}
    seen = set()
    for item in ctx.answered:
        tool = tools.get(item.call.tool)
        if tool is None or not item.reply.answered:
            continue
        if item.held and not item.call.expect.isError:
            ctx.samples.append(Sample(item.call.tool, item.call.arguments, item.reply))
        for each in check_answer(tool, item.call.arguments, as_result(item.reply), reads_workspace=_reads(ctx)):
            if (each.id, each.where) not in seen:
                seen.add((each.id, each.where))
                yield each


def _broken(ctx: Context) -> set[str]:
    """Tools that did not even answer their self-test, or with far too much: nothing more is asked of them."""
    most = ctx.policy.qualify.output_bytes
    return {a.call.tool for a in ctx.answered if not a.reply.answered or a.reply.size > most}


def _reads(ctx: Context) -> bool:
    return ctx.launch.permissions.workspace != "none"


async def _fuzz(ctx: Context, tally: _Tally, end: float) -> bool:
    """False when the server could not be brought back."""
    for case in _cases(ctx, tally):
        if time.monotonic() > end or ctx.left < 1:
            break
        reply = await ctx.running.call(str(tally.tool["name"]), case.arguments, _patience(ctx, tally))
        if not await _judge(ctx, tally, case, reply):
            return False
        if tally.deaths >= _DEATHS:
            break
    return True


def _cases(ctx: Context, tally: _Tally) -> Iterator[_Case]:
    """Different values, valid ones first. A pattern that takes for ever ends them."""
    schema, most, name = tally.tool["inputSchema"], ctx.policy.qualify.fuzz_cases, tally.tool["name"]
    try:
        with deadline(2.0):
            cases = _made(schema, ctx.request.seed, most)
    except PatternTooSlow:
        what = "a pattern of the inputSchema takes exponential time"
        tally.tell(finding("fuzz.pattern", what, severity="warning", where=f"tool {name}", fix="simplify the pattern"))
        return
    yield from cases


def _made(schema: dict[str, Any], seed: int, most: int) -> list[_Case]:
    generator = Generator(schema, seed)
    valid: dict[str, _Case] = {}
    for _ in range(2 * most):
        try:
            value = generator.value()
        except (Unsatisfiable, re.error, RecursionError):
            break
        valid.setdefault(json.dumps(value, sort_keys=True), _Case(value, valid=True))
        if len(valid) >= most:
            break
    wrong: dict[str, _Case] = {}
    for bad in spoilt(schema, seed):
        wrong.setdefault(json.dumps(bad.value, sort_keys=True), _Case(bad.value, valid=False, what=bad.what))
    return [*valid.values(), *_spread(list(wrong.values()), 2 * most)]


def _spread(cases: list[_Case], most: int) -> list[_Case]:
    """So many, from all over the list."""
    step = max(len(cases) / most, 1)
    return [cases[int(n * step)] for n in range(min(most, len(cases)))]


def _patience(ctx: Context, tally: _Tally) -> float:
    """Seconds for one call: a tool that is slow in its self-test may be slow here."""
    name = tally.tool["name"]
    slowest = max((a.reply.ms for a in ctx.answered if a.call.tool == name), default=0.0) / 1000
    return max(ctx.patience(ctx.policy.qualify.fuzz_call), min(5 * slowest, ctx.left))


async def _judge(ctx: Context, tally: _Tally, case: _Case, reply: Reply) -> bool:
    name = str(tally.tool["name"])
    if reply.answered:
        (tally.valid if case.valid else tally.spoilt).append((case, reply))
        if case.valid and not reply.failed:
            ctx.samples.append(Sample(name, case.arguments, reply))
        for item in check_answer(tally.tool, case.arguments, as_result(reply), reads_workspace=_reads(ctx)):
            tally.tell(item)
        return True
    if reply.kind == "garbled":
        tally.tell(_fault("fuzz.garbled", f"{_kind(case)}: {reply.message}", name, case, "answer with one JSON object"))
        return True
    if reply.kind == "timeout" and await ctx.running.alive(_patience(ctx, tally)):
        what = (
            f"{_kind(case)} is not answered within {_patience(ctx, tally):.0f} s; the server answers others meanwhile"
        )
        tally.tell(_fault("fuzz.slow", what, name, case, "bound the work, or declare a maximum", "warning"))
        return True
    tally.deaths += 1 if reply.kind == "died" else _DEATHS  # a second hang would only take time
    tally.tell(_ended(ctx, tally, case, reply))
    return await revive(ctx)


def _ended(ctx: Context, tally: _Tally, case: _Case, reply: Reply) -> Finding:
    name = str(tally.tool["name"])
    if reply.kind == "died":
        how = ctx.running.breach or reply.message
        what = f"the server did not outlive {_kind(case)}: {how}"
        return _fault("fuzz.died", what, name, case, "check the arguments, catch the error, answer with isError: true")
    what = f"{_kind(case)} stops the whole server: neither it nor tools/list is answered"
    if case.valid and _demanding(ctx, name, case.arguments):
        return _fault("fuzz.slow", what, name, case, "bound the work, or declare a maximum in the schema", "warning")
    return _fault("fuzz.hung", what, name, case, "check the arguments first; bound every loop and every pattern")


def _kind(case: _Case) -> str:
    return "a valid call" if case.valid else f"a call whose argument {case.what}"


def _fault(id: str, what: str, tool: str, case: _Case, fix: str, severity: Any = "error") -> Finding:
    return finding(id, what, severity=severity, where=f"tool {tool}", fix=fix, repro=paste(tool, case.arguments))


def _demanding(ctx: Context, tool: str, arguments: Any) -> bool:
    """Does a call ask for much more than the self-test's calls do? Then its slowness is no proof of a fault."""
    usual = [_size(a.call.arguments) for a in ctx.answered if a.call.tool == tool] or [(0.0, 0)]
    number, length = _size(arguments)
    return number > max(1, 10 * max(n for n, _ in usual)) or length > max(200, 10 * max(n for _, n in usual))


def _size(value: Any) -> tuple[float, int]:
    """The greatest number and the longest text within."""
    if isinstance(value, bool) or value is None:
        return 0.0, 0
    if isinstance(value, int | float):
        return abs(float(value)), 0
    if isinstance(value, str):
        return 0.0, len(value)
    sizes = [_size(item) for item in (value.values() if isinstance(value, dict) else value)]
    return max((n for n, _ in sizes), default=0.0), max((length for _, length in sizes), default=0)


# ---- what can only be told of all calls together


def _sums(ctx: Context, tally: _Tally) -> Iterator[Finding]:
    name = str(tally.tool["name"])
    refused = [(c, r) for c, r in tally.valid if r.failed]
    if len(tally.valid) >= 5 and len(refused) == len(tally.valid):
        case, reply = refused[0]
        said = one_line(reply.message or json.dumps(reply.result), 300)
        yield _fault("fuzz.refuses-valid", f"every valid call was refused: {said}", name, case, _SAY_MORE, "info")
    taken = [(c, r) for c, r in tally.spoilt if not r.failed]
    if taken:
        case = taken[0][0]
        what = f"{len(taken)} of {len(tally.spoilt)} invalid calls succeed, such as one whose argument {case.what}"
        yield _fault("fuzz.accepts-invalid", what, name, case, "check arguments against inputSchema", "warning")
    samples = [s for s in ctx.samples if s.tool == name]
    blind = any("is missing" in c.what for c, _ in taken)
    if item := constant(tally.tool, [(s.arguments, s.reply.result) for s in samples], blind):
        yield item
    yield from _orders(ctx, name)


def _orders(ctx: Context, name: str) -> Iterator[Finding]:
    if _reads(ctx):  # then its text may be a file's
        return
    if item := ordering(name, [(s.arguments, s.reply.result) for s in ctx.samples if s.tool == name]):
        yield item


_SAY_MORE = "say in the schema (pattern, enum, description) which values there are"
