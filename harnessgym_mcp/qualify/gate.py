"""The judgement: all stages in order, each only where the stages it builds on have passed."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from harnessgym_mcp import __version__
from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, StageResult, Verdict, finding
from harnessgym_mcp.errors import HarnessGymError, IsolationError
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.qualify.request import Judgement, Request, policy_of
from harnessgym_mcp.qualify.revive import revive
from harnessgym_mcp.qualify.rig import Rig
from harnessgym_mcp.qualify.stages import (
    boot,
    concurrency,
    footprint,
    fuzz,
    intake,
    lint,
    manifest,
    portability,
    protocol,
    regression,
    sabotage,
    selftest,
)

__all__ = ["STAGES", "OnBegin", "OnStage", "Stage", "judge"]

_LEAST_ROOM = 1 << 20  # bytes

OnBegin = Callable[[str], None]
OnStage = Callable[[StageResult], None]


class Stage(NamedTuple):
    """One stage; it is skipped unless every stage in `needs` has passed, and for skills alone if it needs a server."""

    id: str
    run: Callable[[Context], Awaitable[list[Finding]]]
    needs: tuple[str, ...] = ()
    server: bool = True
    talks: bool = False  # needs a living server
    unneeded: Callable[[Context], str] = lambda ctx: ""  # why there is nothing to do


STAGES = (
    Stage("intake", intake.run, server=False),
    Stage("manifest", manifest.run, ("intake",), server=False),
    Stage("lint", lint.run, ("intake",), server=False),
    Stage("boot", boot.run, ("manifest",)),
    Stage("self-test", selftest.run, ("boot",)),
    Stage("sabotage", sabotage.run, ("self-test",)),
    Stage("protocol", protocol.run, ("boot",), talks=True),
    Stage("fuzz", fuzz.run, ("boot",), talks=True),
    Stage("concurrency", concurrency.run, ("boot", "self-test"), talks=True),
    Stage("portability", portability.run, ("boot", "self-test")),
    Stage("regression", regression.run, ("boot",), talks=True, unneeded=regression.unneeded),
    Stage("footprint", footprint.run, ("boot",)),
)


async def judge(
    request: Request, on_stage: OnStage, on_begin: OnBegin = lambda id: None, stages: Sequence[Stage] = STAGES
) -> Judgement:
    """Judge one artifact in this process, which should be a child's: see `run.qualify`."""
    began, policy = time.time(), policy_of(request)
    ctx = Context(request, policy, Path(request.folder).resolve(), time.monotonic() + policy.qualify.total)
    gate = _Gate(ctx, on_stage, on_begin)
    for stage in stages:
        await gate.pass_through(stage)
    await _clear(ctx)
    gate.findings += [*_unconfined(ctx), *_full_disk(ctx, gate.findings)]
    return _judgement(gate, began)


async def _clear(ctx: Context) -> None:
    """Whatever the stages left running."""
    if ctx.second is not None:
        ctx.second.cancel()
        ctx.rigs += [r for r in await asyncio.gather(ctx.second, return_exceptions=True) if isinstance(r, Rig)]
    await asyncio.gather(*(rig.close(0) for rig in ctx.rigs))
    ctx.watchdog.close()
    await asyncio.to_thread(ctx.lookout.close)


class _Gate:
    """The stages' results so far."""

    def __init__(self, ctx: Context, on_stage: OnStage, on_begin: OnBegin) -> None:
        self.ctx = ctx
        self.findings: list[Finding] = []
        self.results: list[StageResult] = []
        self._on_stage = on_stage
        self._on_begin = on_begin

    async def pass_through(self, stage: Stage) -> None:
        began = time.perf_counter()
        reason = self._skip_reason(stage)
        if reason:
            self._done(StageResult(id=stage.id, status="skipped", ms=0.0, note=reason))
            return
        self._on_begin(stage.id)
        found = await self._run(stage)
        self.findings += found
        failed = any(f.severity == "error" for f in found)
        ms = round((time.perf_counter() - began) * 1000, 2)
        self._done(StageResult(id=stage.id, status="failed" if failed else "passed", ms=ms))

    def _skip_reason(self, stage: Stage) -> str:
        if stage.server and self.ctx.manifest is not None and not self.ctx.manifest.command:
            return "no server"
        status = {r.id: r.status for r in self.results}
        missing = [id for id in stage.needs if status.get(id) != "passed"]
        return f"{missing[0]} has not passed" if missing else stage.unneeded(self.ctx)

    async def _run(self, stage: Stage) -> list[Finding]:
        """A stage's own failure is a finding, never a crash: what is judged may contain anything."""
        ctx = self.ctx
        try:
            if stage.server and ctx.sandbox is None:
                ctx.sandbox = choose_sandbox(ctx.policy.isolation, Path(ctx.request.state))
            if stage.talks and (ctx.stuck or ctx.running.peer.dead) and not await revive(ctx):
                return []  # what ended it is on record
            return await stage.run(ctx)
        except HarnessGymError as error:
            id = "gate.isolation" if isinstance(error, IsolationError) else "gate.machine"
            return [finding(id, f"{stage.id}: {error.message}", where=stage.id, fix=error.hint)]
        except Exception as error:
            what = f"the stage {stage.id} failed itself: {type(error).__name__}: {one_line(str(error), 400)}"
            return [finding("gate.internal", what, where=stage.id, fix="report this as a defect of HarnessGym")]

    def _done(self, result: StageResult) -> None:
        self.results.append(result)
        self._on_stage(result)


def _unconfined(ctx: Context) -> list[Finding]:
    """Without containment nothing is promoted, unless a person has said so."""
    report = ctx.sandbox.report if ctx.sandbox else None
    if report is None or report.confined or ctx.policy.isolation.allow_unconfined:
        return []
    return [
        finding(
            "isolation.unconfined",
            f"only tier {report.tier} ({report.mechanism}) works here; it contains nothing",
            where="this machine",
            fix="install bubblewrap (see `harnessgym doctor`), or set isolation.allow_unconfined in config.toml",
        )
    ]


def _full_disk(ctx: Context, found: Sequence[Finding]) -> Iterator[Finding]:
    """Where there is no room left, what failed may have failed for that."""
    room = os.statvfs(ctx.folder)
    if any(f.severity == "error" for f in found) and room.f_bavail * room.f_frsize < _LEAST_ROOM:
        yield finding(
            "gate.disk",
            "the disk with the clean room's folders is full",
            where=str(ctx.folder.parent),
            fix="free some space there, or set TMPDIR to another folder; then submit it again",
        )


def _judgement(gate: _Gate, began: float) -> Judgement:
    ctx = gate.ctx
    verdict = _verdict(gate, began)
    if not verdict.qualified or ctx.manifest is None:
        return Judgement(verdict=verdict)
    return Judgement(verdict=verdict, version=_version(ctx, verdict), extends=ctx.manifest.extension.extends)


def _verdict(gate: _Gate, began: float) -> Verdict:
    ctx = gate.ctx
    rejected = any(f.severity == "error" for f in gate.findings)
    return Verdict(
        status="rejected" if rejected else "qualified",
        name=ctx.name,
        version=ctx.manifest.version if ctx.manifest else "",
        digest=ctx.tree.digest if ctx.tree else "",
        kind=ctx.manifest.kind if ctx.manifest else "server",
        findings=gate.findings,
        stages=gate.results,
        isolation=ctx.sandbox.report if ctx.sandbox else None,
        tools=ctx.tools,
        skills=ctx.skills,
        wire={"framing": ctx.wire.framing, "legacy": ctx.wire.legacy, "modern": ctx.wire.modern},
        policy_digest=ctx.policy.digest,
        started_at=began,
        duration_ms=round((time.time() - began) * 1000, 1),
        harnessgym=__version__,
    )


def _version(ctx: Context, verdict: Verdict) -> Version:
    assert ctx.manifest is not None
    extension = ctx.manifest.extension
    return Version(
        digest=verdict.digest,
        version=ctx.manifest.version,
        description=ctx.manifest.description,
        launch=ctx.launch if ctx.manifest.command else None,
        tools=ctx.tools,
        pins=pins(ctx.tools),
        prompts=ctx.offers.get("prompts", []),
        resources=ctx.offers.get("resources", []),
        templates=ctx.offers.get("resourceTemplates", []),
        skills=ctx.skills,
        tier=ctx.sandbox.report.tier if ctx.sandbox else "",
        why=extension.why,
        prediction=extension.prediction,
        iteration=extension.iteration,
    )
