"""`harnessgym demo`: the whole loop, offline, with a script where the model would be.

A real MCP client starts `harnessgym serve` over stdio as any agent does. It attempts a small optimisation task by
hand, reflects, builds a tool with a mistake in it, is rejected, repairs it, and uses the tool in the same session.
Then a fresh session has the tool from its first list on. Every figure printed is measured in this run.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.connection import Connection, connect
from harnessgym_mcp.errors import HarnessGymError
from harnessgym_mcp.gym import demo_task

__all__ = ["DemoError", "DemoResult", "play"]

_CALL_TIMEOUT = 60.0
_START_TIMEOUT = 30.0
_TOOL = "plan-sweep__sweep"


class DemoError(HarnessGymError):
    """A step of the demo went otherwise than it should."""

    code = "demo"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo measured. Costs: lower is better."""

    folder: str
    cost_by_hand: float
    cost_with_tool: float
    rejected_for: list[str]
    tier: str
    calls: list[dict[str, Any]]
    seconds: float


class _Demo:
    def __init__(self, folder: Path, say: Callable[[str], None], settings: list[str]) -> None:
        self.workspace = folder / "workspace"
        self.say = say
        flags = [word for setting in settings for word in ("--set", setting)]
        self.entry = [
            sys.executable, "-P", "-m", "harnessgym_mcp", "serve",
            "--workspace", str(self.workspace), "--state", str(folder / "state"), *flags,
        ]  # fmt: skip

    def session(self, name: str) -> Any:
        env = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        return connect(self.entry, env, self.workspace, "legacy", name, _START_TIMEOUT)

    async def call(self, agent: Connection, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A tool's answer as JSON. Raises DemoError when it is none."""
        result = await agent.call(tool, arguments, _CALL_TIMEOUT)
        try:
            value = json.loads(result.text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise DemoError(
                f"{tool} answered: {result.text[:300]}", hint="`harnessgym stats` and the log may tell more"
            )
        return value


async def play(folder: Path | None, settings: list[str], say: Callable[[str], None]) -> DemoResult:
    """Play it in a folder (a new temporary one by default, which is kept). Raises DemoError."""
    began = time.monotonic()
    folder = folder or Path(tempfile.mkdtemp(prefix="harnessgym-demo-"))
    demo = _Demo(folder, say, settings)
    demo_task.write(demo.workspace)
    say("A script, not a model, makes the choices below; everything else is real.")
    say(f"The workspace: {demo.workspace}")
    try:
        async with demo.session("demo-first") as agent:
            by_hand = await _attempt(demo, agent)
            rejected = await _build(demo, agent)
        with_tool, stats = await _fresh(demo)
    except BaseExceptionGroup as group:
        raise _first(group) from None
    return DemoResult(
        folder=str(folder),
        cost_by_hand=by_hand,
        cost_with_tool=with_tool,
        rejected_for=rejected,
        tier=str(stats["isolation"]["tier"]),
        calls=stats["calls"],
        seconds=time.monotonic() - began,
    )


def _first(error: BaseException) -> BaseException:
    """The error inside the groups that a client's task groups put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, HarnessGymError | KeyboardInterrupt):
        return error
    return DemoError(f"the session ended early: {type(error).__name__}: {error}", hint="`harnessgym doctor` looks why")


async def _attempt(demo: _Demo, agent: Connection) -> float:
    demo.say("\n1. Attempt. Find the plan with the least cost; the agent tries five by hand.")
    own = [name for name in agent.tools if name.startswith("harnessgym.")]
    demo.say(f"   tools/list: {len(own)} control tools, {len(agent.tools) - len(own)} built ones")
    costs = {json.dumps(plan): await demo_task.cost(demo.workspace, plan) for plan in demo_task.GUESSES}
    for plan, cost in costs.items():
        demo.say(f"   {plan}  cost {cost:.1f}")
    best = min(costs.values())
    demo.say(f"   best by hand: {best:.1f}")
    return best


async def _build(demo: _Demo, agent: Connection) -> list[str]:
    demo.say("\n2. Reflect. harnessgym.reflect shows the evidence and asks for the ONE missing tool.")
    evidence = await demo.call(agent, "harnessgym.reflect", {"outcome": "five guesses, no idea what else is possible"})
    demo.say(f"   it asks: {str(evidence.get('question', ''))[:110]}…")
    opened = await demo.call(agent, "harnessgym.reflect", {"selected": demo_task.SELECTION})
    draft = Path(opened["draft"])
    demo.say(f"   selected: plan-sweep; a working draft lies in {draft.relative_to(demo.workspace)}")

    demo.say("\n3. Build, with a mistake: a debugging print on stdout, where only MCP frames belong.")
    demo_task.write_draft(draft, mistake=True)
    first = await demo.call(agent, "harnessgym.submit_artifact", {"path": str(draft)})
    errors = [f for f in first.get("findings", []) if f["severity"] == "error"]
    if first.get("status") != "rejected":
        raise DemoError("the clean room let the mistake pass", hint="please report this")
    demo.say(f"   rejected in {first['duration_ms']:.0f} ms, repair {first.get('repair')}:")
    for finding in errors:
        demo.say(f"     {finding['id']}: {finding['what'][:140]}\n       fix: {finding.get('fix', '')[:140]}")

    demo.say("\n4. Repair and submit again.")
    demo_task.write_draft(draft, mistake=False)
    second = await demo.call(agent, "harnessgym.submit_artifact", {"path": str(draft)})
    if second.get("status") != "qualified":
        raise DemoError(f"the repaired tool was rejected: {json.dumps(second.get('findings'))[:600]}")
    demo.say(f"   qualified in {second['duration_ms']:.0f} ms in isolation tier {second['isolation']['tier']}")
    if not await agent.wait_for_tool(_TOOL, _CALL_TIMEOUT):
        raise DemoError(f"{_TOOL} did not appear in tools/list")
    demo.say(f"   tools/list of this same session now has {_TOOL}")
    return sorted({f["id"] for f in errors})


async def _fresh(demo: _Demo) -> tuple[float, dict[str, Any]]:
    demo.say("\n5. A fresh session: nothing carried over but the harness.")
    async with demo.session("demo-second") as agent:
        if _TOOL not in agent.tools:
            raise DemoError(f"the fresh session's first tools/list lacks {_TOOL}")
        demo.say(f"   its first tools/list has {_TOOL}; it calls it once")
        swept = await demo.call(agent, _TOOL, {"command": demo_task.COMMAND, "grid": demo_task.GRID})
        plan = swept["best"]["values"]
        cost = await demo_task.cost(demo.workspace, plan)
        demo.say(f"   {swept['tried']} plans tried; best {json.dumps(plan)}  cost {cost:.1f}")
        stats = await demo.call(agent, "harnessgym.stats", {"scope": "all"})
    for call in stats["calls"]:
        name, ok = f"{call['artifact']}__{call['tool']}", call["successes"]
        demo.say(f"   on record: {name}: calls {call['calls']}, completed {ok}, {call['max_ms']:.0f} ms")
    return cost, stats
