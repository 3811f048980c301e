"""Fixtures for the loop around an agent."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from run_bench import Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """One workspace for runs."""
    return new_place(tmp_path)
