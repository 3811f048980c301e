"""`harnessgym.submit_artifact`: hand a draft to the clean room; mount what qualifies, say what to repair of the rest.

A qualification goes on when its caller does not wait for it: the ticket asks after it.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from harnessgym_mcp.core import names
from harnessgym_mcp.core.digest import pin
from harnessgym_mcp.core.iteration import Iteration, close_slot, open_of
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import StageResult
from harnessgym_mcp.errors import NotFoundError, SlotError, UsageError
from harnessgym_mcp.qualify.submission import Submission, Submitter
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.control.inline import write_inline
from harnessgym_mcp.server.control.services import Services

__all__ = ["Job", "Submissions"]

STAGES = 12
_JOINED = "a submission was under way already: this is its answer; what you sent with this call was not looked at"


@dataclass(slots=True)
class Job:
    """One qualification under way or done."""

    ticket: str
    name: str
    session: str
    task: "asyncio.Task[Submission]"
    before: dict[str, str]  # pins of the version that was mounted before


class Submissions:
    """Answers `harnessgym.submit_artifact`."""

    def __init__(self, services: Services, submitter: Submitter) -> None:
        self._services = services
        self._submitter = submitter
        self._jobs: dict[str, Job] = {}
        self._order = asyncio.Lock()

    async def __call__(self, ask: Ask) -> dict[str, Any]:
        """Raises SlotError, NotFoundError, UsageError."""
        arguments = ask.arguments
        if ticket := arguments.get("ticket"):
            return await self._collect(ask, str(ticket))
        async with self._order:  # two at the same moment are one submission, not two
            held = open_of(await asyncio.to_thread(self._services.iterations.read), ask.identity.session)
            running = self._running(ask.identity.session)
            if arguments.get("abandon"):
                return await self._abandon(held, running)
            job = running or await self._begin(ask, held)
        notes = [_JOINED] if running else []
        return await self._wait(ask, job, notes)

    def _running(self, session: str) -> Job | None:
        """A session has one slot, and so one qualification."""
        return next((j for j in self._jobs.values() if j.session == session and not j.task.done()), None)

    async def _begin(self, ask: Ask, held: Iteration | None) -> Job:
        if held is None and self._services.policy.qualify.require_slot:
            raise SlotError(
                "this session has no open build slot",
                hint="call harnessgym.reflect with `selected` first: it opens one and gives you a draft",
            )
        return self._start(ask, held, await asyncio.to_thread(self._source, ask, held))

    # ---- what is submitted

    def _source(self, ask: Ask, held: Iteration | None) -> Path:
        files, path = ask.arguments.get("files"), ask.arguments.get("path")
        if files is not None:
            draft = self._draft(held, path)
            write_inline(files, draft, self._services.policy.limits)
            return draft
        if path is None and held is None:
            raise UsageError("neither `path` nor `files` was given", hint="`path` names the draft's folder")
        source = self._located(str(path)) if path is not None else Path(held.draft if held else "")
        if not source.is_dir():
            raise NotFoundError(f"there is no folder {one_line(str(source), 300)}", hint="`path` is the draft's folder")
        return source

    def _located(self, path: str) -> Path:
        """As given, or below the workspace, the home or its drafts."""
        home = self._services.home
        tried = [Path(path), *(base / path for base in (home.workspace, home.root, home.root / "drafts"))]
        return next((p for p in tried if p.is_absolute() and p.is_dir()), home.workspace / path)

    def _draft(self, held: Iteration | None, path: object) -> Path:
        if held:
            return Path(held.draft)
        if not isinstance(path, str):
            raise UsageError("`files` without an open slot need `path`, the name of the draft")
        return self._services.home.draft(names.check_artifact_name(PurePosixPath(path).name))

    async def _abandon(self, held: Iteration | None, running: Job | None) -> dict[str, Any]:
        if held is None:
            raise SlotError("there is no open build slot to abandon", hint="harnessgym.reflect opens one")
        if running:  # what it may publish any moment cannot be said to be given up
            raise SlotError(
                f"the clean room is at work on {running.name!r}",
                hint=f'harnessgym.submit_artifact {{"ticket": "{running.ticket}"}} waits for its end',
            )

        def close(iterations: list[Iteration]) -> list[Iteration]:
            return close_slot(iterations, held.id, "abandoned", at=time.time(), reason="abandoned by the agent")

        await asyncio.to_thread(self._services.iterations.update, close)
        return {
            "status": "abandoned",
            "name": held.name,
            "draft_kept": held.draft,
            "next": "harnessgym.reflect begins anew",
        }

    # ---- the job

    def _start(self, ask: Ask, held: Iteration | None, source: Path) -> Job:
        name = held.name if held else ""
        artifact = self._services.harness.registry.artifacts.get(name)
        before = artifact.version.pins if artifact and artifact.versions else {}
        done = iter(range(1, 1000))

        def staged(stage: StageResult) -> None:
            ask.progress(next(done), STAGES, f"{stage.id}: {stage.status}")

        task = asyncio.create_task(self._submitter.submit(source, iteration=held, on_stage=staged))
        job = Job("t-" + secrets.token_hex(6), name or source.name, ask.identity.session, task, before)
        self._jobs[job.ticket] = job
        return job

    async def _wait(self, ask: Ask, job: Job, notes: Sequence[str] = ()) -> dict[str, Any]:
        await asyncio.wait({job.task}, timeout=self._services.policy.timeouts.submit)
        if not job.task.done():
            return {
                "status": "running",
                "ticket": job.ticket,
                "next": f'call harnessgym.submit_artifact {{"ticket": "{job.ticket}"}} in a while',
                **({"notes": notes} if notes else {}),
            }
        return await self._answer(ask, job, job.task.result(), notes)

    async def _collect(self, ask: Ask, ticket: str) -> dict[str, Any]:
        job = self._jobs.get(ticket)
        if job is None:
            raise NotFoundError(
                f"no ticket {one_line(ticket, 40)} is known here",
                hint="this server may have been restarted since; submit again, or see harnessgym.stats",
            )
        return await self._wait(ask, job)

    # ---- the answer

    async def _answer(self, ask: Ask, job: Job, submission: Submission, notes: Sequence[str]) -> dict[str, Any]:
        verdict = msgspec.to_builtins(submission.verdict)
        rest = {k: v for k, v in verdict.items() if k not in ("status", "tools", "findings")}
        notes = [*notes, *submission.notes]
        rest |= {"notes": notes} if notes else {}
        former = [{"digest": q.digest, "findings": q.findings} for q in submission.history]
        rest |= {"former_rejections": former} if former else {}
        seen = ask.client.lists
        changed = await self._services.harness.refresh(trees=False)
        if submission.verdict.qualified:
            if changed and ask.client.follows_changes:
                await ask.client.relisted(seen, self._services.policy.timeouts.relist)
            return {
                "status": "qualified",
                **self._usable(ask, job, submission),
                "findings": verdict["findings"],
                **rest,
            }
        return {"status": "rejected", **self._repairable(submission), "findings": verdict["findings"], **rest}

    def _usable(self, ask: Ask, job: Job, submission: Submission) -> dict[str, Any]:
        """The new tools in the exact form that this client's model has to use."""
        verdict = submission.verdict
        session = ask.client.session
        tools = [names.join(verdict.name, str(t["name"])) for t in verdict.tools]
        changed = {
            names.join(verdict.name, str(t["name"])): t.get("inputSchema")
            for t in verdict.tools
            if job.before.get(str(t["name"]), pin(t)) != pin(t)
        }
        news: dict[str, Any] = {"changed_schemas": changed} if changed else {}
        return {
            "callable_now": [names.callable_name(session.client, t, session.entry) for t in tools],
            "next": "call one of them now; where your client does not list it yet: "
            + f'harnessgym.call {{"tool": "{tools[0] if tools else ""}", "arguments": {{…}}}}',
            **news,
        }

    def _repairable(self, submission: Submission) -> dict[str, Any]:
        if submission.final:
            return {
                "quarantined": True,
                "evidence": submission.evidence,
                "next": "the repairs are used up: the artifact is quarantined and this iteration is over",
            }
        return {
            "repair": f"{submission.repair} of {submission.repairs}",
            "next": "repair what each finding of severity error names (`fix`), then submit again",
        }
