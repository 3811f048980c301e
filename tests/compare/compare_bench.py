"""A small task, a harness for it, and comparisons of scripted agents on it: real processes, real files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.trials import Budget
from harnessgym_mcp.gym import demo_task
from harnessgym_mcp.gym.compare import Request, carry_out, prepare
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_plan import Plan
from harnessgym_mcp.gym.compare_tasks import GivenTask
from harnessgym_mcp.gym.trial import run_trial
from harnessgym_mcp.report.model import ReportModel

COST = "import sys\nx, y = map(int, sys.argv[1:3])\nprint((x - 7) ** 2 + 4 * abs(y - 3) + 10)\n"
VERIFY = """\
import json
try:
    plan = json.load(open("plan.json"))
    score = (plan["x"] - 7) ** 2 + 4 * abs(plan["y"] - 3) + 10
    print(json.dumps({"status": "passed", "score": plan.get("score", score)}))
except Exception as error:
    print(json.dumps({"status": "failed", "message": repr(error)}))
"""
SWEEP = '{"command": ["python3", "cost.py", "{x}", "{y}"], "grid": {"x": [3, 5, 7, 9], "y": [1, 3]}}'
TOOL = "plan-sweep__sweep"

USES = f"""\
import json, random
async def play(session):
    plan = {{"x": random.Random(session.variables["seed"]).randrange(9, 14), "y": 1}}
    if "{TOOL}" in session.tools:
        plan = (await session.call("{TOOL}", {SWEEP})).data["best"]["values"]
    session.write("plan.json", json.dumps(plan))
"""
"""Uses the tool where there is one; else guesses."""


@dataclass(frozen=True)
class Bench:
    """Folders: `start` is the workspace template, `final` the held-out files, `artifacts` the harness."""

    root: Path
    start: Path
    final: Path
    artifacts: Path
    state: Path

    def script(self, text: str) -> AgentSpec:
        path = self.root / "agent.py"
        path.write_text(text)
        return AgentSpec(kind="scripted", script=str(path))

    def request(self, script: str = USES, arms: str = "plain,harnessed", **more: Any) -> Request:
        """One trial of one task in each arm, unless told otherwise; fields of a design go to its choices."""
        fields = set(Request.__dataclass_fields__)
        choices = {"trials": 1, **{k: v for k, v in more.items() if k not in fields}}
        given: dict[str, Any] = {
            "tasks": [GivenTask("plan", "Write plan.json with x and y of the least cost.", results=["plan.json"])],
            "arms": arms.split(","),
            "agent": self.script(script),
            "budget": Budget(seconds=60),
            "workspace": self.start,
            "held_out": self.final,
            "artifacts": self.artifacts,
            "score_command": "python3 verify.py",
            "direction": "lower",
            "state": self.state,
            "settings": {"compare.retry_pause": "0"},
        }
        return Request(**given | {k: v for k, v in more.items() if k in fields}, choices=choices)

    async def planned(self, request: Request, name: str = "out") -> tuple[Files, Plan]:
        files = Files(self.root / name)
        return files, await prepare(request, files)

    async def compared(self, script: str = USES, arms: str = "plain,harnessed", **more: Any) -> "Done":
        """A whole comparison, its trials in this process."""
        files, plan = await self.planned(self.request(script, arms, **more))
        model = await carry_out(files, plan, Here(files, self.state))
        return Done(files, plan, model)


@dataclass(frozen=True)
class Done:
    """A comparison that has been carried out."""

    files: Files
    plan: Plan
    model: ReportModel

    def outcome(self, arm: str, repetition: int = 1) -> Outcome:
        found = self.files.outcome(f"plan.{repetition:03}.{arm}")
        assert found is not None
        return found

    def caution(self, id: str) -> str:
        """`severity: what` of a caution; "" where there is none of this id."""
        found = [f"{c.severity}: {c.what}" for c in self.model.comparison.cautions if c.id == id]
        return found[0] if found else ""

    def judged(self, arm: str) -> Any:
        return next(j for j in self.model.comparison.trials if j.arm == arm)


@dataclass(frozen=True)
class Here:
    """An executor that runs trials in this process, one after the other."""

    files: Files
    state: Path
    before: Callable[[str], None] = lambda trial: None
    at_once: int = 1

    async def run(self, trial: str, tries: int) -> str:
        self.before(trial)
        await run_trial(self.files, trial, state=self.state, tries=tries)
        return ""


def new_bench(root: Path, state: Path) -> Bench:
    """Fresh folders; `state` may be shared, so that the harness is qualified once."""
    start, final, artifacts = root / "start", root / "final", root / "artifacts"
    for folder in (start, final, artifacts / "plan-sweep"):
        folder.mkdir(parents=True)
    (start / "cost.py").write_text(COST)
    (start / "plan.json").write_text(json.dumps({"x": 20, "y": 20}))
    (final / "verify.py").write_text(VERIFY)
    demo_task.write_draft(artifacts / "plan-sweep", mistake=False)
    return Bench(root, start, final, artifacts, state)
