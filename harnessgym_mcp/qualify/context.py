"""What the stages know of one qualification under way; each stage adds what it found out."""

import asyncio
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harnessgym_mcp.core.launch import Launch, Wire
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.verdict import Finding
from harnessgym_mcp.proc.environments import Environment
from harnessgym_mcp.proc.sandbox import Sandbox
from harnessgym_mcp.proc.watch import Watchdog
from harnessgym_mcp.qualify.decoys import Lookout
from harnessgym_mcp.qualify.request import Request
from harnessgym_mcp.store.tree import Tree

if TYPE_CHECKING:  # pydantic costs 100 ms; only the manifest stage brings it in
    from harnessgym_mcp.core.manifest import ArtifactManifest, SelfTestCall
    from harnessgym_mcp.qualify.reply import Reply
    from harnessgym_mcp.qualify.rig import Rig

__all__ = ["Answered", "Context", "Sample", "paste"]

_PACE = 0.05  # seconds between two looks of the watchdog


@dataclass(frozen=True, slots=True)
class Answered:
    """One self-test call with what the server said; `held` tells whether every expectation was met."""

    call: "SelfTestCall"
    reply: "Reply"
    held: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """A call that succeeded, and its answer."""

    tool: str
    arguments: dict[str, Any]
    reply: "Reply"


@dataclass(slots=True)
class Context:
    """`root` is the private copy that is judged; `folder` holds it and the rooms, and is deleted in the end."""

    request: Request
    policy: Policy
    folder: Path
    deadline: float  # on time.monotonic's clock
    tree: Tree | None = None
    plugin: Any = None  # plugin.json's value, as far as it could be read
    mcp: Any = None
    manifest: "ArtifactManifest | None" = None
    skills: list[str] = field(default_factory=list)
    sandbox: Sandbox | None = None
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(_PACE))
    lookout: Lookout = field(default_factory=Lookout)
    environment: Environment = field(default_factory=Environment)
    packages: list[str] = field(default_factory=list)  # declared, those of a PEP 723 block included
    rigs: "list[Rig]" = field(default_factory=list)  # every server that was started; see `running`
    current: "Rig | None" = None
    second: "asyncio.Task[Rig | Finding] | None" = None  # the second room's server, started ahead of its use
    answers_anything: bool = False  # does it answer methods that it does not know?
    stuck: bool = False  # does the current server no longer answer anything?
    tools: list[dict[str, Any]] = field(default_factory=list)
    offers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # prompts, resources, resourceTemplates
    wire: Wire = field(default_factory=Wire)
    answered: list[Answered] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)  # calls that succeeded, from the self-test and the fuzzer

    @property
    def root(self) -> Path:
        return self.folder / "artifact"

    @property
    def name(self) -> str:
        """As the manifest has it, else as expected, else the folder's."""
        named = self.plugin.get("name") if isinstance(self.plugin, dict) else None
        return named if isinstance(named, str) else self.request.name or Path(self.request.source).name

    @property
    def launch(self) -> Launch:
        launch = self.manifest.launch(self.wire, self.packages) if self.manifest else None
        if launch is None:
            raise LookupError("an artifact without a server is not launched")
        return launch

    def patience(self, seconds: float) -> float:
        """So many seconds on an idle machine; more on a busy one, never more than there are left."""
        try:
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
        except OSError:
            load = 1.0
        return min(seconds * min(max(load, 1.0), self.policy.qualify.busy), self.left)

    @property
    def call_timeout(self) -> float:
        """Seconds that one call may take."""
        declared = self.manifest.extension.limits.call_ms if self.manifest else None
        return min(declared / 1000 if declared else self.policy.qualify.call, self.left)

    @property
    def left(self) -> float:
        """Seconds until the whole has to be over."""
        return max(self.deadline - time.monotonic(), 0.0)

    @property
    def running(self) -> "Rig":
        """The server that is being talked to. Raises LookupError when there is none."""
        if self.current is None:
            raise LookupError("no server is running")
        return self.current

    def take(self, rig: "Rig") -> None:
        """From now on this is the server that is talked to; the footprint looks at all of them."""
        self.rigs.append(rig)
        self.current, self.stuck = rig, False


def paste(tool: str, arguments: Any) -> str:
    """A call, ready to paste."""
    return "tools/call " + json.dumps({"name": tool, "arguments": arguments}, ensure_ascii=False)
