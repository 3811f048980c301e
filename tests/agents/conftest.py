"""Shared by the agents' tests: waiting for a process to be gone, quick rules, the stand-in programs."""

import os
import select
from pathlib import Path

import pytest

from harnessgym_mcp.core.policy import Agents

BINS = Path(__file__).parent / "bins"


@pytest.fixture
def bins() -> Path:
    return BINS


@pytest.fixture
def quick() -> Agents:
    """Short graces; a hung program costs a test little."""
    return Agents(settle=0.1, grace=0.2)


@pytest.fixture
def gone():
    """`gone(pid)`: is the process gone within five seconds? Any process, not only our children."""

    def wait(pid: int, seconds: float = 5.0) -> bool:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([fd], [], [], seconds)[0])
        finally:
            os.close(fd)

    return wait
