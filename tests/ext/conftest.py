"""Homes with recorded calls, and a collector."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "dashboard"))

from collecting import DEADLINE, Collector
from ended import ended_as

from harnessgym_mcp.core.events import CallEvent
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter


@pytest.fixture
def make_home(tmp_path: Path) -> Callable[..., Home]:
    def made(name: str, *events: CallEvent) -> Home:
        home = Home.open(tmp_path / name, state=tmp_path / f"{name}-state")
        writer = TelemetryWriter(home, Policy().telemetry, ended_as)
        for event in events:
            writer.put(event)
        assert writer.close(DEADLINE) == 0
        return home

    return made


@pytest.fixture
def collector() -> Iterator[Collector]:
    with contextlib.closing(Collector()) as made:
        yield made
