"""Fixtures for comparisons."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from compare_bench import Bench, new_bench


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This machine's private folder: what qualified in one test need not qualify in the next."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def bench(tmp_path: Path, state: Path) -> Bench:
    return new_bench(tmp_path, state)
