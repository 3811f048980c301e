"""Scripts in JSON: what a scripted agent does in which turn.

    {"harnessgym_script": 1,
     "mode": "legacy",                     legacy | modern | auto: which MCP era the client speaks
     "turns": [{"phase": "attempt",        optional: only in this phase,
                "iteration": 2,            in this iteration,
                "has_entry": true,         with (or without) an MCP entry,
                "has_tool": "fft__plan",   when this tool is listed at the start
                "steps": [...]}]}

The first turn that matches is played; a prompt that none matches is a turn in which nothing happens. A step is an
object with one of these as its action, and the members told with it:

    {"call": TOOL, "arguments": {}, "expect": {}, "save": NAME, "timeout": s}
        expect: "isError" (default false; null: either), "text" (is contained), "data" (is a part of the JSON answer)
        saved:  {"isError", "text", "data", "content"}
    {"await_tool": TOOL, "timeout": s}
    {"tools": {"has": [...], "lacks": [...]}}
    {"write": PATH, "text": TEXT}  or  {"write": PATH, "json": VALUE}
    {"replace": PATH, "old": TEXT, "new": TEXT}
    {"read": PATH, "save": NAME}
    {"run": [WORD, ...] or SHELL-TEXT, "expect_code": 0, "save": NAME, "timeout": s}
        saved:  {"code", "stdout", "stderr"}
    {"say": TEXT}

In every text `${name}` and `${name.key.0}` stand for a value: workspace, session, phase, iteration, prompt, the run's
variables (such as seed), and what was saved in this session. A text that is nothing else becomes the value itself.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harnessgym_mcp.agents.session import Mode, Result, ScriptError, Session
from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UsageError

__all__ = ["Script", "Turn", "fill", "is_part", "load_script"]

_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.-]*)\}")


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When, and what then."""

    steps: list[dict[str, Any]]
    phase: str | None = None
    iteration: int | None = None
    has_entry: bool | None = None
    has_tool: str | None = None

    def matches(self, session: Session) -> bool:
        return (
            self.phase in (None, session.phase)
            and self.iteration in (None, session.iteration)
            and self.has_entry in (None, session.connected)
            and (self.has_tool is None or self.has_tool in session.tools)
        )


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole script."""

    harnessgym_script: int
    turns: list[Turn]
    mode: Mode = "legacy"
    about: str = ""

    async def play(self, session: Session) -> None:
        """Play the first turn that matches. Raises ScriptError at the first step that goes otherwise."""
        turn = next((t for t in self.turns if t.matches(session)), None)
        for number, step in enumerate(turn.steps if turn else (), 1):
            try:
                await _ACTIONS[_action(step)](session, _filled(step, session))
            except ScriptError as error:
                raise ScriptError(f"step {number} ({_action(step)}): {error}") from error


def load_script(path: Path) -> Script:
    """Raises UsageError for a file that is no script, naming the place."""
    try:
        script = decoded(path.read_bytes(), Script)
    except OSError as error:
        raise UsageError(
            f"cannot read the script {path}: {error.strerror}", hint="give the path of a JSON file"
        ) from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a script: {error}", hint='docs/run.md, "Scripts", tells the format') from error
    for at, turn in enumerate(script.turns):
        for number, step in enumerate(turn.steps, 1):
            _check(step, f"{path}: turns[{at}], step {number}")
    return script


def _check(step: dict[str, Any], where: str) -> None:
    actions = [key for key in step if key in _ACTIONS]
    if len(actions) != 1:
        raise UsageError(f"{where} needs one action, not {actions or 'none'}", hint=f"one of {', '.join(_ACTIONS)}")
    unknown = set(step) - {actions[0]} - _MEMBERS[actions[0]]
    if unknown:
        hint = f"beside it: {', '.join(sorted(_MEMBERS[actions[0]])) or 'nothing'}"
        raise UsageError(f"{where}: {actions[0]!r} takes no {', '.join(sorted(unknown))}", hint=hint)


def _action(step: Mapping[str, Any]) -> str:
    return next(key for key in step if key in _ACTIONS)


async def _call(session: Session, step: dict[str, Any]) -> None:
    expect = step.get("expect") or {}
    wanted = expect.get("isError", False)
    result = await session.call(step["call"], step.get("arguments"), timeout=step.get("timeout"), expect_error=wanted)
    if expect.get("text", "") not in result.text:
        raise ScriptError(f"{one_line(str(expect['text']), 80)!r} is not in the answer: {one_line(result.text, 300)}")
    if "data" in expect and not is_part(expect["data"], result.data):
        raise ScriptError(f"the answer is {one_line(json.dumps(result.data), 300)}")
    _save(session, step, _as_json(result))


def _as_json(result: Result) -> dict[str, Any]:
    return {"isError": result.is_error, "text": result.text, "data": result.data, "content": result.content}


async def _await_tool(session: Session, step: dict[str, Any]) -> None:
    await session.wait_for_tool(step["await_tool"], step.get("timeout"))


async def _tools(session: Session, step: dict[str, Any]) -> None:
    has, lacks = set(step["tools"].get("has", ())), set(step["tools"].get("lacks", ()))
    wrong = [f"{name} is missing" for name in sorted(has - set(session.tools))]
    wrong += [f"{name} is there" for name in sorted(lacks & set(session.tools))]
    if wrong:
        raise ScriptError("; ".join(wrong))


async def _write(session: Session, step: dict[str, Any]) -> None:
    text = _as_text(step["text"]) if "text" in step else json.dumps(step.get("json"), indent=2) + "\n"
    session.write(step["write"], text)


async def _replace(session: Session, step: dict[str, Any]) -> None:
    session.replace(step["replace"], step["old"], step["new"])


async def _read(session: Session, step: dict[str, Any]) -> None:
    _save(session, step, session.read(step["read"]))


async def _run(session: Session, step: dict[str, Any]) -> None:
    done = await session.run(step["run"], timeout=step.get("timeout"), expect_code=step.get("expect_code", 0))
    _save(session, step, {"code": done.code, "stdout": done.stdout, "stderr": done.stderr})


async def _say(session: Session, step: dict[str, Any]) -> None:
    session.say(_as_text(step["say"]))


def _save(session: Session, step: Mapping[str, Any], value: Any) -> None:
    if step.get("save"):
        session.saved[step["save"]] = value


_ACTIONS: Mapping[str, Callable[[Session, dict[str, Any]], Awaitable[None]]] = {
    "call": _call,
    "await_tool": _await_tool,
    "tools": _tools,
    "write": _write,
    "replace": _replace,
    "read": _read,
    "run": _run,
    "say": _say,
}
_MEMBERS: Mapping[str, set[str]] = {
    "call": {"arguments", "expect", "save", "timeout"},
    "await_tool": {"timeout"},
    "tools": set(),
    "write": {"text", "json"},
    "replace": {"old", "new"},
    "read": {"save"},
    "run": {"expect_code", "save", "timeout"},
    "say": set(),
}


def is_part(wanted: Any, got: Any) -> bool:
    """Objects may hold more than wanted, all else is equal."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(k in got and is_part(v, got[k]) for k, v in wanted.items())
    if isinstance(wanted, list):
        return isinstance(got, list) and len(wanted) == len(got) and all(map(is_part, wanted, got))
    return bool(wanted == got) and isinstance(wanted, bool) == isinstance(got, bool)


def _filled(step: dict[str, Any], session: Session) -> dict[str, Any]:
    own = {"workspace": str(session.workspace), "session": session.id, "phase": session.phase}
    values = {**own, "iteration": session.iteration, "prompt": session.prompt, **session.variables, **session.saved}
    return {key: fill(value, values) for key, value in step.items()}


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """`value` with every `${reference}` in its texts replaced. Raises ScriptError for one that names nothing."""
    if isinstance(value, dict):
        return {key: fill(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _look_up(whole[1], values)
    return _REFERENCE.sub(lambda match: _as_text(_look_up(match[1], values)), value)


def _look_up(reference: str, values: Mapping[str, Any]) -> Any:
    found: Any = values
    for key in reference.split("."):
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ScriptError(f"${{{reference}}} names nothing: no {key!r}") from None
    return found


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
