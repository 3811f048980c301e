"""A process that is killed in the middle of a transition leaves entirely the old or entirely the new state."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from store_bench import OUTCOMES, Workshop, check_whole, described

from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import recover

DRIVER = Path(__file__).with_name("crash_driver.py")


@pytest.mark.parametrize("transition", list(OUTCOMES))
def test_a_kill_at_any_step_leaves_the_old_or_the_new_state(tmp_path: Path, transition: str) -> None:
    run = subprocess.run(
        [sys.executable, str(DRIVER), "stepped", str(tmp_path), transition],
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    steps = int(run.stdout)
    seen = []
    for k in range(1, steps + 1):
        home = Home.open(tmp_path / str(k) / "workspace", state=tmp_path / str(k) / "state")
        notes = recover(home)
        assert not any("not recovered" in note for note in notes)
        seen.append(described(check_whole(home), Workshop(tmp_path / "sources")))
        assert recover(home) == []
    assert steps >= 5
    assert list(dict.fromkeys(seen)) == OUTCOMES[transition]


def kill_at_random(folder: Path, times: int, seed: int) -> None:
    draw = random.Random(seed)
    home = Home.open(folder / "home" / "workspace", state=folder / "home" / "state")
    for _ in range(times):
        with subprocess.Popen([sys.executable, str(DRIVER), "endless", str(folder)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            threading.Event().wait(draw.uniform(0, 0.12))
            child.kill()
        recover(home)
        assert check_whole(home).artifacts["demo"].current
        assert recover(home) == []


def test_kills_at_random_moments_leave_a_whole_state(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 15, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_hundred_kills_at_random_moments_leave_a_whole_state(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 200, seed=2)
