"""Where the real coding agents lie: in $HARNESSGYM_CLIENTS, else where scripts/install-clients puts them."""

import os
import shutil
from pathlib import Path

import pytest

__all__ = ["FOLDER", "installed"]

FOLDER = Path(os.environ.get("HARNESSGYM_CLIENTS") or Path.home() / ".cache" / "harnessgym-clients")


def installed(name: str) -> str:
    """The client's program; skips where it is not installed."""
    found = shutil.which(name, path=str(FOLDER / "node_modules" / ".bin"))
    if not found:
        pytest.skip(f"{name} is not installed; scripts/install-clients puts it into {FOLDER}")
    return found
