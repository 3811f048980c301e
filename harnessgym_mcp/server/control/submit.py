"""`harnessgym.submit_artifact`: hand a draft to the clean room; mount what qualifies, say what to repair of the rest.

A qualification goes on when its caller does not wait for it: the ticket asks after it.
"""

import asyncio
import secrets
import time
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
from harnessgym_mcp.server.control.services import Services
from harnessgym_mcp.store.atomic import write_atomic

__all__ = ["Job", "Submissions"]

STAGES = 12


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

    async def __call__(self, ask: Ask) -> dict[str, Any]:
        """Raises SlotError, NotFoundError, UsageError."""
        arguments = ask.arguments
        if ticket := arguments.get("ticket"):
            return await self._collect(ask, str(ticket))
        held = open_of(await asyncio.to_thread(self._services.iterations.read), ask.identity.session)
        if arguments.get("abandon"):
            return await self._abandon(held)
        if held is None and self._services.policy.qualify.require_slot:
            raise SlotError(
                "this session has no open build slot",
                hint="call harnessgym.reflect with `selected` first: it opens one and gives you a draft",
            )
        if running := next(
            (j for j in self._jobs.values() if held and j.name == held.name and not j.task.done()), None
        ):
            return await self._wait(ask, running)
        source = await asyncio.to_thread(self._source, ask, held)
        return await self._wait(ask, self._start(ask, held, source))

    # ---- what is submitted

    def _source(self, ask: Ask, held: Iteration | None) -> Path:
        files, path = ask.arguments.get("files"), ask.arguments.get("path")
        if files is not None:
            return self._write(files, self._draft(held, path))
        if path is None and held is None:
            raise UsageError("neither `path` nor `files` was given")
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
        return self._services.home.draft(PurePosixPath(path).name)

    def _write(self, files: object, draft: Path) -> Path:
        if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
            raise UsageError("`files` maps relative paths to texts")
        most = self._services.policy.limits.inline_bytes
        if sum(len(text.encode("utf-8", "replace")) for text in files.values()) > most:
            raise UsageError(
                f"`files` are more than {most} bytes in all", hint="write the draft to disk and send `path`"
            )
        for path in files:
            _check_relative(path)
        for path, text in files.items():
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(draft.resolve()) or target.is_dir():
                raise UsageError(f"`files`: {one_line(path, 120)} leads out of the draft or names a folder")
            write_atomic(target, text.encode("utf-8", "surrogateescape"))
        return draft

    async def _abandon(self, held: Iteration | None) -> dict[str, Any]:
        if held is None:
            raise SlotError("there is no open build slot to abandon")

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

    async def _wait(self, ask: Ask, job: Job) -> dict[str, Any]:
        await asyncio.wait({job.task}, timeout=self._services.policy.timeouts.submit)
        if not job.task.done():
            return {
                "status": "running",
                "ticket": job.ticket,
                "next": "call harnessgym.submit_artifact {ticket} in a while",
            }
        return await self._answer(ask, job, job.task.result())

    async def _collect(self, ask: Ask, ticket: str) -> dict[str, Any]:
        job = self._jobs.get(ticket)
        if job is None:
            raise NotFoundError(
                f"no ticket {one_line(ticket, 40)} is known here",
                hint="this server may have been restarted since; submit again, or see harnessgym.stats",
            )
        return await self._wait(ask, job)

    # ---- the answer

    async def _answer(self, ask: Ask, job: Job, submission: Submission) -> dict[str, Any]:
        verdict = msgspec.to_builtins(submission.verdict)
        rest = {k: v for k, v in verdict.items() if k not in ("status", "tools", "findings")}
        rest |= {"notes": submission.notes} if submission.notes else {}
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


def _check_relative(path: object) -> None:
    text = str(path)
    parts = PurePosixPath(text).parts
    bad = (
        not text
        or "\\" in text
        or "\x00" in text
        or PurePosixPath(text).is_absolute()
        or ".." in parts
        or len(text) > 255
    )
    if bad:
        raise UsageError(f"`files`: {one_line(text, 120)!r} is not a relative path within the draft")
