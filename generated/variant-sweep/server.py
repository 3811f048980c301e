"""variant-sweep: many ideas against one command that prints a score; ranked, and the workspace as it was before."""

import sys
from typing import Any

import definitions
import journal
import variants
from sweeping import Rules, sweep, undo
from values import ToolError
from wire import Call, Tool, serve

_AT_START: list[str] = []  # what was given back when this server started; told once


def sweep_patches(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `sweep_patches`."""
    return _told(sweep(call, lambda: variants.patches(given["command"], given["patches"]), _rules(given)))


def sweep_flags(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `sweep_flags`."""
    for name in given["grid"]:
        if not name.isidentifier():
            raise ToolError(f"the axis {name!r} needs a name of letters, digits and _, as in {{OPT}}")
    found, size = variants.flags(given["command"], given["grid"], given.get("seed", 0))
    return {**_told(sweep(call, lambda: found, _rules(given))), **_drawn(size)}


def sweep_plan(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `sweep_plan`."""
    size = 0

    def build() -> list[variants.Variant]:
        nonlocal size
        found, size = variants.plans(given["command"], given["plan_file"], given["grid"], given.get("seed", 0))
        return found

    return {**_told(sweep(call, build, _rules(given))), **_drawn(size)}


def recover(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `recover`."""
    with journal.alone():
        left = journal.recover(given.get("decision", ""))
    state = "a decision is needed: restore or keep" if left.conflicts else "every original is in place"
    return _told({"state": state, "restored": left.restored, "edited_since": left.conflicts, "notes": []})


def _rules(given: dict[str, Any]) -> Rules:
    return Rules(
        score=given.get("score", "stdout"),
        lower=given.get("better", "lower") == "lower",
        rounds=given.get("rounds", 1),
        timeout=given.get("timeout_s", 60.0),
        budget=given.get("budget_s", 240.0),
        check=given.get("check", ""),
        after=given.get("after", ""),
    )


def _drawn(size: int) -> dict[str, Any]:
    return {"combinations": f"{variants.MOST} drawn from {size}" if size > variants.MOST else size}


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """With what happened when the server started."""
    answer["notes"] = [*_AT_START, *answer["notes"]]
    _AT_START.clear()
    return answer


TOOLS = (
    Tool(**definitions.SWEEP_PATCHES, run=sweep_patches),
    Tool(**definitions.SWEEP_FLAGS, run=sweep_flags),
    Tool(**definitions.SWEEP_PLAN, run=sweep_plan),
    Tool(**definitions.RECOVER, run=recover),
)

if __name__ == "__main__":
    try:
        with journal.alone():
            _AT_START.extend(undo())
    except (ToolError, OSError) as problem:  # told again by the next sweep
        print(problem, file=sys.stderr)
    serve("variant-sweep", "1.0.0", TOOLS)
