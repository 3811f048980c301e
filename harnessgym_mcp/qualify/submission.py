"""From a folder to a mounted version, or to evidence: qualify, then publish or reject, with repairs counted."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from harnessgym_mcp.core.iteration import Attempt, Iteration, close_slot, record_attempt
from harnessgym_mcp.core.lifecycle import Quarantined, Registry, history
from harnessgym_mcp.core.names import check_artifact_name
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.verdict import StageResult, Verdict
from harnessgym_mcp.errors import HarnessGymError, NameRefused
from harnessgym_mcp.qualify.request import Judgement, Known, Previous, Request, Sample
from harnessgym_mcp.qualify.run import qualify
from harnessgym_mcp.store.callstats import recent_calls
from harnessgym_mcp.store.iterations import IterationStore
from harnessgym_mcp.store.publish import Stores, publish, reject
from harnessgym_mcp.store.tree import UNBOUNDED, survey

__all__ = ["Submission", "Submitter", "not_the_artifacts_fault", "request_for"]

OnStage = Callable[[StageResult], None]

_MACHINE = (
    "gate.busy",
    "gate.died",
    "gate.disk",
    "gate.internal",
    "gate.isolation",
    "gate.machine",
    "gate.not-started",
)
_MANIFEST_BYTES = 1 << 20
_NAMELESS = "unnamed"


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one submission.

    Qualified: the artifact is published under `name`. Rejected: `repair` of `repairs` may follow, or `final` is set
    and the artifact is quarantined; `evidence` is the folder that keeps what was rejected. `history` is what was
    rejected under this name before, oldest first.
    """

    verdict: Verdict
    name: str
    repair: int = 0
    repairs: int = 0
    final: bool = False
    evidence: str = ""
    notes: list[str] = []
    history: list[Quarantined] = []


class Submitter:
    """Submissions to one home, for the MCP server and the command line alike."""

    def __init__(self, stores: Stores, policy: Policy) -> None:
        self._stores = stores
        self._policy = policy
        self._iterations = IterationStore(stores.home)

    async def submit(
        self, source: Path, *, iteration: Iteration | None = None, on_stage: OnStage = lambda stage: None
    ) -> Submission:
        """Qualify a folder and publish it, or keep it as evidence. Await it on the main thread's loop.

        With an `iteration` the artifact must bear its name; rejections are counted against policy's repairs and its
        slot is closed in the end. Without one a rejection is final. Raises HarnessGymError when the home fails.
        """
        judgement = await self._judge(source, iteration.name if iteration else "", on_stage, iteration is not None)
        if judgement.verdict.qualified:
            return await asyncio.to_thread(self._accept, source, judgement, iteration)
        return await asyncio.to_thread(self._refuse, source, judgement.verdict, iteration)

    async def requalify(self, name: str, source: Path) -> str:
        """Judge a tree that this machine has no verdict for; "" when it is published, else why not."""
        judgement = await self._judge(source, name, lambda stage: None)
        if judgement.verdict.qualified:
            await asyncio.to_thread(self._accept, source, judgement, None)
            return ""
        await asyncio.to_thread(self._refuse, source, judgement.verdict, None)
        return "; ".join(f"{f.id}: {f.what}" for f in judgement.verdict.errors)

    async def judge(self, source: Path, *, name: str = "", on_stage: OnStage = lambda stage: None) -> Verdict:
        """The verdict alone; nothing is published or kept."""
        return (await self._judge(source, name, on_stage)).verdict

    async def _judge(self, source: Path, name: str, on_stage: OnStage, built_here: bool = False) -> Judgement:
        request = await asyncio.to_thread(request_for, self._stores, self._policy, source, name, built_here)
        return await qualify(request, on_stage)

    # ---- what follows, in a thread

    def _accept(self, source: Path, judgement: Judgement, iteration: Iteration | None) -> Submission:
        verdict, version = judgement.verdict, judgement.version
        assert version is not None
        name = verdict.name
        extends = judgement.extends or (iteration.extends if iteration else "")
        version = msgspec.structs.replace(
            version,
            published_at=_published_at(self._stores.registry.load(), name, version.digest) or time.time(),
            iteration=iteration.id if iteration else version.iteration,
        )
        extends = "" if extends == name else extends
        former = history(self._stores.registry.load(), name)
        registry = publish(self._stores, name, source, verdict, version, verdict.kind, extends)
        notes = []
        if registry.artifacts[name].current != version.digest:
            notes.append(f"{name} is pinned: the version was kept, and the mounted one stays")
        self._record(iteration, verdict, "qualified")
        return Submission(verdict=verdict, name=name, notes=notes, history=former)

    def _refuse(self, source: Path, verdict: Verdict, iteration: Iteration | None) -> Submission:
        repairs = self._policy.qualify.repairs if iteration else 0
        if not_the_artifacts_fault(verdict):
            used = iteration.rejections if iteration else 0
            return Submission(verdict=verdict, name=verdict.name, repair=used, repairs=repairs)
        name, verdict = _name_for_evidence(verdict, iteration), _with_digest(verdict, source)
        former = history(self._stores.registry.load(), name)
        evidence = reject(self._stores, name, source, verdict, iteration.id if iteration else "")
        count = (iteration.rejections if iteration else 0) + 1
        final = count > repairs
        self._record(iteration, verdict, "quarantined" if final else "")
        return Submission(
            verdict=verdict,
            name=name,
            repair=0 if final else count,
            repairs=repairs,
            final=final,
            evidence=str(evidence),
            history=former,
        )

    def _record(self, iteration: Iteration | None, verdict: Verdict, end: str) -> None:
        """The attempt, and the slot's end where this was it."""
        if iteration is None:
            return
        at = time.time()
        ids = [f.id for f in verdict.errors]
        attempt = Attempt(digest=verdict.digest, status=verdict.status, at=at, findings=ids)

        def change(iterations: list[Iteration]) -> list[Iteration]:
            iterations = record_attempt(iterations, iteration.id, attempt)
            if end == "qualified":
                return close_slot(iterations, iteration.id, "qualified", at=at)
            if end:
                return close_slot(iterations, iteration.id, "quarantined", at=at, reason=", ".join(ids))
            return iterations

        self._iterations.update(change)


def not_the_artifacts_fault(verdict: Verdict) -> bool:
    """Was it refused only for what this machine lacks or did wrong? Then it costs no repair and is no evidence."""
    ids = [f.id for f in verdict.errors]
    blameless = all(id in _MACHINE or id.startswith("isolation.") for id in ids)
    return "gate.disk" in ids or (bool(ids) and blameless)


def request_for(stores: Stores, policy: Policy, source: Path, name: str = "", built_here: bool = False) -> Request:
    """The request to judge `source` in a home: what else there is, and the version it would replace."""
    registry = stores.registry.load()
    source = Path(os.path.abspath(source))
    named = name or _peek_name(source)
    return Request(
        source=str(source),
        home=str(stores.home.root),
        state=str(stores.home.state),
        workspace=str(stores.home.workspace),
        settings=policy.as_dict(),
        name=name,
        known=[
            Known(name=a.name, tools=a.version.tools if a.status == "active" and a.versions else [])
            for a in registry.artifacts.values()
        ],
        previous=_previous(stores, policy, registry, named),
        built_here=built_here,
    )


def _previous(stores: Stores, policy: Policy, registry: Registry, name: str) -> Previous | None:
    artifact = registry.artifacts.get(name)
    if artifact is None or not artifact.versions:
        return None
    try:
        verdict, tree = stores.verdicts.load(artifact.current), stores.objects.path(artifact.current)
    except HarnessGymError:
        return None
    if tree is None or verdict is None or not verdict.qualified:
        return None
    samples = _samples(stores, name, policy.qualify.sample_calls)
    return Previous(source=str(tree), digest=artifact.current, tools=artifact.version.tools, samples=samples)


def _samples(stores: Stores, name: str, most: int) -> list[Sample]:
    """The newest different calls that succeeded, where policy had their arguments kept and nothing was redacted."""
    found: dict[str, Sample] = {}
    for row in reversed(recent_calls(stores.home, 20 * most, artifact=name)):
        text = row.get("arguments")
        if row.get("status") == "completed" and isinstance(text, str) and "[redacted]" not in text:
            with contextlib.suppress(ValueError, RecursionError):  # cut in the middle
                arguments = json.loads(text)
                if isinstance(arguments, dict):
                    found.setdefault(f"{row['tool']} {text}", Sample(tool=row["tool"], arguments=arguments))
        if len(found) >= most:
            break
    return list(found.values())


def _peek_name(source: Path) -> str:
    """The name in plugin.json, "" where it cannot be told; the clean room looks properly."""
    try:
        with open(source / "plugin.json", "rb", opener=_carefully) as file:
            name = json.loads(file.read(_MANIFEST_BYTES))["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return name if isinstance(name, str) else ""


def _carefully(path: str, flags: int) -> int:
    """Neither through a link nor waiting at a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _published_at(registry: Registry, name: str, digest: str) -> float:
    """When this very version was published before; 0.0 if it never was."""
    artifact = registry.artifacts.get(name)
    versions = artifact.versions if artifact else []
    return next((v.published_at for v in versions if v.digest == digest), 0.0)


def _name_for_evidence(verdict: Verdict, iteration: Iteration | None) -> str:
    for name in (iteration.name if iteration else "", verdict.name):
        try:
            return check_artifact_name(name)
        except NameRefused:
            continue
    return _NAMELESS


def _with_digest(verdict: Verdict, source: Path) -> Verdict:
    """A judgement that ended early has no digest; evidence needs one."""
    if verdict.digest:
        return verdict
    tree, _ = survey(source, UNBOUNDED)
    return msgspec.structs.replace(verdict, digest=tree.digest)
