"""A small task, a script in the agent's place, and runs of it: in this process, or as a command to be killed."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.policy import Isolation, Policy
from harnessgym_mcp.core.run_report import RunReport
from harnessgym_mcp.core.run_state import Rules, RunState
from harnessgym_mcp.gym.run import new_run, resume_run
from harnessgym_mcp.gym.run_settings import Budgets, RunSettings
from harnessgym_mcp.gym.scoring import Scorer
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.qualify.scaffold import scaffold
from harnessgym_mcp.store.home import Home

VERIFY = """
import json, pathlib
answer = json.loads(pathlib.Path("answer.json").read_text())
print(json.dumps({"status": "passed", "metrics": {"value": answer["value"]}}))
"""
SELECTED = {"name": "adder", "kind": "server", "why": "sums were done by hand", "tools": ["add"]}
GOOD = scaffold("adder", tools=["add"])["server.py"]
BAD = GOOD.replace("sys.stdout.flush()", 'sys.stdout.flush(); print("debug", flush=True)')


def submit(server: str, status: str) -> dict[str, Any]:
    arguments = {"files": {"server.py": server}}
    return {"call": "harnessgym.submit_artifact", "arguments": arguments, "expect": {"data": {"status": status}}}


def answer(value: Any) -> dict[str, Any]:
    return {"write": "answer.json", "json": {"value": value}}


REFLECT = {
    "phase": "reflect",
    "steps": [
        {"call": "harnessgym.reflect", "arguments": {"outcome": "added by hand", "notes": "slow"}},
        {"call": "harnessgym.reflect", "arguments": {"selected": SELECTED}},
    ],
}
BUILD = {"phase": "build", "steps": [submit(BAD, "rejected"), submit(GOOD, "qualified")]}
NOTED = {"run": "echo tried >> tries.txt"}  # an attempt that is done again must not find what the first one left
BY_HAND = {"phase": "attempt", "iteration": 1, "steps": [{"tools": {"lacks": ["adder__add"]}}, NOTED, answer(3)]}
WITH_TOOL = {
    "phase": "attempt",
    "has_tool": "adder__add",
    "steps": [
        NOTED,
        {"call": "adder__add", "arguments": {"values": [1, 2, 39]}, "save": "sum"},
        {"call": "adder__add", "arguments": {"values": []}, "expect": {"isError": None}},
        {"write": "answer.json", "json": {"value": "${sum.data.total}"}},
    ],
}
WHOLE = (WITH_TOOL, BY_HAND, REFLECT, BUILD)


def shell(commands: str) -> AgentSpec:
    """An agent that is a shell script: quick, without MCP, without sessions."""
    return AgentSpec(kind="command", command=["/bin/sh", "-c", commands])


@dataclass
class Place:
    """One workspace with its home, state and script."""

    folder: Path
    flags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workspace = self.folder / "work space"
        self.state = self.folder / "state"
        if not self.workspace.exists():
            self.workspace.mkdir(parents=True)
            (self.workspace / "verify.py").write_text(VERIFY)
            (self.workspace / "answer.json").write_text('{"value": 1}')
        self.policy = Policy().override({"agents.settle": 0.1, "agents.grace": 0.5, **self.flags})

    @property
    def home(self) -> Home:
        return Home.open(self.workspace, state=self.state)

    def script(self, *turns: dict[str, Any], text: str = "") -> Path:
        path = self.folder / ("agent.py" if text else "agent.json")
        path.write_text(text or json.dumps({"harnessgym_script": 1, "turns": list(turns)}))
        return path

    def settings(self, script: Path | None = None, **changes: Any) -> RunSettings:
        given = {
            "task": "Sum the values.",
            "agent": AgentSpec(kind="scripted", script=str(script)),
            "rules": Rules(**{"iterations": 2, "scored": True} | changes.pop("rules", {})),
            "budgets": Budgets(attempt=[60.0], reflect=[60.0], build=[90.0]),
            "scorer": Scorer(command=f"{sys.executable} verify.py", seconds=30.0, key="value"),
            "flags": {"agents.settle": "0.1", "agents.grace": "0.5", **self.flags},
        }
        return RunSettings(**given | changes)

    async def run(self, script: Path | None = None, **changes: Any) -> RunReport:
        return await new_run(self.home, self.policy, "r1", self.settings(script, **changes)).drive()

    async def resume(self) -> RunReport:
        return await resume_run(self.home, self.policy, "r1").drive()

    def kept(self) -> RunState:
        import msgspec

        return msgspec.json.decode((self.home.runs / "r1" / "state.json").read_bytes(), type=RunState)

    def files(self) -> dict[str, str]:
        """The workspace's files, the home left out."""
        found = [p for p in sorted(self.workspace.rglob("*")) if p.is_file() and ".harnessgym" not in p.parts]
        return {str(p.relative_to(self.workspace)): p.read_text() for p in found}

    def argv(self, *words: str) -> list[str]:
        flags = [word for key, value in self.flags.items() for word in ("--set", f"{key}={value}")]
        where = ["--workspace", str(self.workspace), "--state", str(self.state), *flags]
        return [sys.executable, "-m", "harnessgym_mcp", "run", *where, *words]


def new_place(folder: Path) -> Place:
    """A place whose clean room may promote artifacts on this machine."""
    confined = choose_sandbox(Isolation(), folder / "state").report.confined
    return Place(folder, {} if confined else {"isolation.allow_unconfined": "true"})


def environment() -> dict[str, str]:
    return {k: os.environ[k] for k in ("PATH", "HOME", "PYTHONPATH", "XDG_STATE_HOME") if k in os.environ}
