"""Fixtures of the store's tests: a home with its state folder, and a workshop that makes trees and verdicts."""

import sys
from pathlib import Path

import pytest

from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores

sys.path.insert(0, str(Path(__file__).parent))

from store_bench import Workshop


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "workspace", state=tmp_path / "state")


@pytest.fixture
def stores(home: Home) -> Stores:
    return Stores.open(home)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "sources")
