"""`harnessgym.reflect`: the evidence and the question; with a selection, the build slot and a working draft."""

import asyncio
import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core import names
from harnessgym_mcp.core.iteration import Iteration, open_of, open_slot
from harnessgym_mcp.core.lifecycle import Quarantined, Registry, hidden, history
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, NotFoundError, UsageError
from harnessgym_mcp.qualify.scaffold import scaffold
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.control.services import Services, calls_on_record, labels_of
from harnessgym_mcp.store.atomic import write_atomic
from harnessgym_mcp.store.evidence import restore_evidence
from harnessgym_mcp.store.objects import ObjectStore

__all__ = ["Selection", "reflect"]

QUESTION = (
    "Which ONE missing tool would have made the greatest difference in this session: a thing to observe, verify, "
    "search, sweep, rank or remember that you did by hand, guessed, or could not do? Prefer extending what exists. It "
    "must be of use for the next task of this kind too, hold no answer of this task, and work in a clean room."
)

_NEXT = 'call harnessgym.reflect {"selected": {"name": "...", "why": "...", "tools": ["..."]}}'

RULES = (
    "One artifact: build what you selected, nothing else. Keep plugin.json, mcp.json, SKILL.md.",
    "Start from the scaffold: a working stdlib MCP server. Replace its example tool by yours; keep the loop.",
    "Standard library where it will do; name every package in dependencies.packages (from the index).",
    "No absolute paths of this machine. ${PLUGIN_ROOT} is read-only, ${PLUGIN_DATA} is writable and lasts, "
    "HARNESSGYM_WORKSPACE is set if permissions.workspace is read or write. No network, no environment of yours.",
    "Stdout carries MCP frames only; log to stderr. Wrong arguments give isError, never a crash.",
    "self_test.calls: each tool at least once with what its answer must contain, and one call that must fail. A test "
    "that would pass on a wrong answer is refused.",
    "Say determinism: pure (same call, same answer), seeded, or measured (times and the like).",
)


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent chose to build."""

    name: str
    why: str
    kind: Literal["server", "skill"] = "server"
    extends: str = ""
    tools: list[str] = []
    prediction: dict[str, Any] = {}


async def reflect(services: Services, ask: Ask) -> dict[str, Any]:
    """Evidence and question, or the opened slot. Raises SlotError, NameRefused, UsageError, NotFoundError."""
    chosen = ask.arguments.get("selected")
    if chosen is None:
        return await _evidence(services, ask)
    try:
        selection = msgspec.convert(chosen, Selection)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"`selected`: {one_line(str(error), 200)}", hint="it takes name, kind, extends, why, tools, prediction"
        ) from None
    return await asyncio.to_thread(_select, services, ask, selection)


# ---- without a selection


async def _evidence(services: Services, ask: Ask) -> dict[str, Any]:
    session = ask.identity.session
    calls = await asyncio.to_thread(calls_on_record, services, session=session)
    registry = services.harness.registry
    held = open_of(await asyncio.to_thread(services.iterations.read), session)
    used = {(c.artifact, c.tool) for c in calls if c.calls}
    evidence = {
        "your_outcome": ask.arguments.get("outcome"),
        "your_notes": ask.arguments.get("notes"),
        "called_in_this_session": [msgspec.to_builtins(c) for c in calls],
        "failed": [f"{c.artifact}__{c.tool}" for c in calls if c.successes < c.calls],
        "slowest": [f"{c.artifact}__{c.tool}" for c in sorted(calls, key=lambda c: -(c.p95_ms or 0))[:3]],
        "exists_so_extend_it": _existing(registry, used),
        "quarantined": _quarantined(registry),
        "problems": dict(services.harness.problems),
    }
    if held:
        return {
            "open_slot": {"name": held.name, "draft": held.draft, "rejections": held.rejections},
            "next": f"this iteration's slot is open for {held.name!r}: harnessgym.submit_artifact submits it, "
            'harnessgym.submit_artifact {"abandon": true} gives it up',
            "evidence": evidence,
        }
    return {"question": QUESTION, "next": _NEXT, "evidence": evidence}


def _quarantined(registry: Registry) -> list[dict[str, Any]]:
    """The last rejection of each name that has not qualified since, and how many there were: selecting the name again
    repairs it."""
    last = {q.name: q for q in sorted(hidden(registry), key=lambda q: q.at)}
    return [
        {"name": n, "why": q.reason, "findings": q.findings, "rejections": len(history(registry, n))}
        for n, q in last.items()
    ]


def _existing(registry: Registry, used: set[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "name": a.name,
            "what": one_line(a.version.description, 200),
            "tools": [t["name"] for t in a.version.tools],
            "used_here": any((a.name, t["name"]) in used for t in a.version.tools),
        }
        for a in registry.artifacts.values()
        if a.versions and a.status == "active"
    ]


# ---- with one


def _select(services: Services, ask: Ask, selection: Selection) -> dict[str, Any]:
    registry = services.harness.registry
    name = names.check_artifact_name(selection.name)
    extends = selection.extends or (name if name in registry.artifacts else "")
    _check(registry, name, extends, selection, services.policy.limits.callable_chars)
    draft = services.home.draft(name)
    opened = _open(services, ask, selection, extends, draft)
    former = history(registry, name)
    files = _repaired(services, former, draft) if former and name not in registry.artifacts else {}
    files = files or _files(services, registry, selection, extends)
    kept = _write_draft(draft, files)
    return {
        "iteration": opened.id,
        "draft": str(draft),
        **({"rejected_before": [_told(services, q) for q in former]} if former else {}),
        "kept_as_it_was": kept,
        "rules": RULES,
        "next": "edit the files in `draft`, then make the next call; without file tools send `files` in it",
        "next_call": {"tool": "harnessgym.submit_artifact", "arguments": {"path": str(draft)}},
        "repairs_allowed": services.policy.qualify.repairs,
        "files": _shown(draft, files),
    }


def _check(registry: Registry, name: str, extends: str, selection: Selection, most: int) -> None:
    if extends and extends not in registry.artifacts:
        like = names.near(extends, registry.artifacts)
        hint = f"did you mean {like[0]}?" if like else "leave `extends` out for something new"
        raise NotFoundError(f"there is no artifact {one_line(extends, 80)!r} to extend", hint=hint)
    others = [n for n in registry.artifacts if n != name]
    if clash := [pair for pair in names.collisions([*others, name]) if name in pair]:
        raise UsageError(f"{clash[0][1]!r} and {clash[0][0]!r} look alike to some clients", hint="choose another name")
    for tool in selection.tools:
        names.check_tool_name(name, tool, most)


def _open(services: Services, ask: Ask, selection: Selection, extends: str, draft: Path) -> Iteration:
    session = ask.identity.session
    labels = labels_of(ask.client.session)

    def change(iterations: list[Iteration]) -> list[Iteration]:
        number = sum(i.session == session for i in iterations) + 1
        return open_slot(
            iterations,
            Iteration(
                id=f"{names.sanitised(session)[-12:]}-{number}",
                session=session,
                name=selection.name,
                kind=selection.kind,
                extends=extends,
                why=one_line(selection.why, 2000),
                tools=selection.tools,
                prediction=selection.prediction,
                draft=str(draft),
                run=labels.get("run", ""),
                step=labels.get("iteration", ""),
                opened_at=time.time(),
            ),
        )

    return services.iterations.update(change)[-1]


def _files(services: Services, registry: Registry, selection: Selection, extends: str) -> dict[str, str]:
    """A new version starts from the version that it replaces, anything else from the scaffold."""
    old = registry.artifacts.get(extends) if extends == selection.name else None
    root = ObjectStore(services.home.state).path(old.current) if old else None
    if root is None:
        return scaffold(
            selection.name,
            kind=selection.kind,
            tools=selection.tools,
            why=selection.why,
            prediction=selection.prediction,
            extends=extends,
        )
    return _texts(root)


def _repaired(services: Services, former: list[Quarantined], draft: Path) -> dict[str, str]:
    """The draft that was rejected last: as it lies there, else from its evidence; nothing where neither is left."""
    if not draft.exists():
        try:
            restore_evidence(services.home.quarantined(former[-1].name, former[-1].digest), draft)
        except HarnessGymError:
            return {}
    return _texts(draft) if (draft / "plugin.json").is_file() else {}


def _told(services: Services, entry: Quarantined) -> dict[str, Any]:
    evidence = services.home.quarantined(entry.name, entry.digest)
    return {"why": entry.reason, "findings": entry.findings, "evidence": str(evidence / "report.md")}


def _texts(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): p.read_text("utf-8", "replace")
        for p in sorted(root.rglob("*"))
        if p.is_file() and not p.is_symlink()
    }


def _write_draft(draft: Path, files: dict[str, str]) -> list[str]:
    """Writes what is not there yet; the relative paths that were."""
    kept = []
    for path, text in files.items():
        target = draft / path
        if target.exists():
            kept.append(path)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, text.encode())
    return kept


def _shown(draft: Path, files: dict[str, str], most: int = 24_000) -> dict[str, str]:
    """The draft's files as they are now, for agents without file tools; long ones are left out."""
    shown: dict[str, str] = {}
    for path in files:
        text = (draft / path).read_text("utf-8", "replace")
        if len(text) <= most:
            shown[path] = text
            most -= len(text)
    return shown
