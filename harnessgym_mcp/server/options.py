"""What `harnessgym serve` was asked for; everything can be said in arguments, since some clients drop `env`."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harnessgym_mcp.core.events import Session
from harnessgym_mcp.core.names import OWN
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.server.client import identity_of_environment
from harnessgym_mcp.store.config import load_policy
from harnessgym_mcp.store.home import Home

__all__ = ["Options", "default_workspace"]


@dataclass(frozen=True, slots=True)
class Options:
    """Where to serve, for whom."""

    workspace: Path
    home: Path | None = None
    state: Path | None = None
    session: str = ""  # "" : as the environment tells
    entry: str = OWN  # what the client's config calls it
    labels: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # --set section.key=value

    def open(self, *, create: bool = True, lenient: bool = False) -> tuple[Home, Policy]:
        """As `Home.open`. Raises StateError, PolicyError."""
        home = Home.open(self.workspace, self.home, self.state, create=create, lenient=lenient)
        policy, _ = load_policy(home, self.settings, os.environ)
        return home, policy

    def new_session(self) -> Session:
        front = f"{os.getpid()}-{secrets.token_hex(4)}"
        id = self.session or identity_of_environment(os.environ)
        return Session(id=id, front=front, labels=json.dumps(dict(self.labels), sort_keys=True), entry=self.entry)


def default_workspace(environ: Mapping[str, str]) -> Path:
    """CLAUDE_PROJECT_DIR where it names a folder, else the current one."""
    stated = environ.get("CLAUDE_PROJECT_DIR", "")
    return Path(stated) if stated and os.path.isdir(stated) else Path.cwd()
