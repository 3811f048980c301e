"""Fixtures for the loop around an agent."""

import sys
from pathlib import Path

import pytest

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.proc.choose import choose_sandbox

sys.path.insert(0, str(Path(__file__).parent))

from run_bench import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """One workspace for runs."""
    confined = choose_sandbox(Isolation(), tmp_path / "state").report.confined
    return Place(tmp_path, {} if confined else {"isolation.allow_unconfined": "true"})
