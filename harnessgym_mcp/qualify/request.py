"""What the clean room is asked and what it answers: plain data that crosses a process boundary as JSON."""

from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.verdict import StageResult, Verdict

__all__ = ["Event", "Judgement", "Known", "Previous", "Request", "policy_of"]


class Known(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another artifact of the same home: its name and what its server lists."""

    name: str
    tools: list[dict[str, Any]] = []


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded call of the version before: arguments that were once answered without an error."""

    tool: str
    arguments: dict[str, Any] = {}


class Previous(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The qualified version that a new one has to live up to."""

    source: str  # its tree
    digest: str
    tools: list[dict[str, Any]] = []
    samples: list[Sample] = []


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One artifact to judge. Paths are absolute; `settings` is `Policy.as_dict()`."""

    source: str
    home: str
    state: str
    workspace: str = ""
    settings: dict[str, dict[str, Any]] = {}
    name: str = ""  # the name it must have, "" for any
    known: list[Known] = []
    previous: Previous | None = None
    seed: int = 0
    folder: str = ""  # private and empty, for the child's rooms
    built_here: bool = False  # by an agent in its build slot: a manifest that says `imported_from` excuses nothing


class Judgement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The verdict, and for a qualified artifact the version that can be published."""

    verdict: Verdict
    version: Version | None = None
    extends: str = ""

    @property
    def kind(self) -> Literal["server", "skill"]:
        return self.verdict.kind


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the child's output: a stage begins, a stage is done, or the judgement."""

    begins: str = ""
    stage: StageResult | None = None
    judgement: Judgement | None = None


def policy_of(request: Request) -> Policy:
    """The policy that the request was made under; raises PolicyError for an unknown setting."""
    flat = {f"{section}.{key}": value for section, keys in request.settings.items() for key, value in keys.items()}
    return Policy().override(flat)
