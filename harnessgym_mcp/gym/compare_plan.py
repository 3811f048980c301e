"""A comparison's plan: its design, and how each of its trials is run. Stored before the first trial, never changed."""

from typing import Final

import msgspec

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.records import readable, versioned
from harnessgym_mcp.core.trials import Design, Trial, plan
from harnessgym_mcp.errors import NotFoundError

__all__ = ["SCHEMA", "Plan", "TaskPlan", "decode_plan", "encode_plan"]

SCHEMA: Final = "harnessgym/comparison/1"


class TaskPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a task is given and verified. Folders are named by the digest they are kept under.

    `answers` must not be found in the bundle, nor `held_out`'s files. `results` names files that the task asks for:
    the bundle's files are tried in their place, beside those that the trials changed.
    """

    id: str
    prompt: str
    workspace: str
    score_command: str
    score_key: str = "score"
    held_out: str = ""
    answers: list[str] = []
    results: list[str] = []
    names: list[str] = []


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that `trial run` needs. `settings` are policy settings that differ from their defaults.

    `script`: the digest under which a scripted agent's script is kept, and its name there. `left_out`: artifacts that
    did not qualify on this machine, and why. `command` runs the comparison again.
    """

    title: str
    design: Design
    tasks: list[TaskPlan]
    agent: AgentSpec
    model: str = ""
    keep_env: list[str] = []
    score_seconds: float
    script: tuple[str, str] = ("", "")
    settings: dict[str, str] = {}
    left_out: dict[str, str] = {}
    command: str = ""
    schema: str = SCHEMA

    def trial(self, id: str) -> Trial:
        """Raises NotFoundError."""
        found = next((t for t in plan(self.design) if t.id == id), None)
        if found is None:
            raise NotFoundError(f"no trial is called {id[:80]!r}", hint="`harnessgym trial list` names them all")
        return found

    def task(self, id: str) -> TaskPlan:
        return next(t for t in self.tasks if t.id == id)

    @property
    def folders(self) -> list[str]:
        """The digests of all folders that trials need."""
        wanted = [self.design.bundle.digest, self.script[0]]
        for task in self.tasks:
            wanted += [task.workspace, task.held_out]
        return sorted({digest for digest in wanted if digest})


def encode_plan(plan: Plan) -> bytes:
    """The bytes of `plan.json`."""
    return readable(plan, indent=2)


def decode_plan(data: bytes) -> Plan:
    """Raises CorruptError for bytes that are no plan of this schema."""
    return versioned(data, Plan, SCHEMA, "plan", hint="choose another --out")
