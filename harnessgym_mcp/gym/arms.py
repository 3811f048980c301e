"""What each arm of a comparison gets beside the task: nothing, the harness behind its one MCP entry, or its notes.

plain, aa     the workspace alone
harnessed     the MCP entry, with a home of this trial's own that holds the bundle, and its skills where agents look
notes         the same skills in the same places, but no entry
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.agents.agent import Entry
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.skills import skill_name
from harnessgym_mcp.core.trials import Arm
from harnessgym_mcp.gym.compare_bundle import active
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.skill_links import FOLDERS

__all__ = ["Equipment", "equip", "needs_harness"]


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a trial was given. `tools` counts those mounted behind the entry."""

    entry: Entry | None = None
    home: Home | None = None
    tools: int = 0

    @property
    def offered(self) -> int:
        """Mounted tools that the agent could see: none where it never started the entry."""
        served = self.home is not None and (self.home.logs / "serve.log").exists()
        return self.tools if served else 0


def needs_harness(arm: Arm) -> bool:
    return arm in ("harnessed", "notes")


def equip(
    arm: Arm, workspace: Path, bundle: Home | None, place: Path, policy: Policy, settings: Mapping[str, str], label: str
) -> Equipment:
    """Prepare the workspace for an arm; `place` is a folder for the trial's own home. Raises StateError."""
    if bundle is None or not needs_harness(arm):
        return Equipment()
    try:
        _lay_skills(bundle, policy, workspace)
        if arm == "notes":
            return Equipment()
        home = Home.open(workspace, _own_home(bundle, place), bundle.state)
    except OSError as error:
        raise state_error("prepare", workspace, error) from error
    tools = sum(len(version.tools) for version in active(home, policy).values())
    return Equipment(Entry(_command(home, settings, label)), home, tools)


def _command(home: Home, settings: Mapping[str, str], label: str) -> tuple[str, ...]:
    """`-P`: the entry starts in the workspace, whose files must not be taken for modules."""
    flags = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return (
        *(sys.executable, "-P", "-m", "harnessgym_mcp", "serve"),
        *("--workspace", str(home.workspace), "--home", str(home.root), "--state", str(home.state)),
        *("--labels", f"trial={label}"),
        *flags,
    )


def _own_home(bundle: Home, place: Path) -> Path:
    """A home that no other trial writes to: registry and trees as qualified, no data, no record."""
    root = place / "home"
    root.mkdir()
    shutil.copyfile(bundle.registry, root / bundle.registry.name)
    shutil.copytree(bundle.root / "generated", root / "generated", symlinks=True)
    return root


def _lay_skills(bundle: Home, policy: Policy, workspace: Path) -> None:
    """Copies, since a link would lead an agent of the notes arm to the tools. What the task brings itself stays."""
    for name, version in active(bundle, policy).items():
        for path in version.skills:
            source = bundle.generated(name) / Path(path).parent
            for folder in FOLDERS:
                target = workspace / folder / skill_name(path)
                if not target.exists():
                    shutil.copytree(source, target, symlinks=True)
