"""Disks that are read-only or full: told in words, counted where something is lost, and never half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from store_bench import OUTCOMES

UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


def mounting_works() -> bool:
    try:
        tried = subprocess.run(
            [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


@pytest.fixture(scope="module")
def _mounting() -> None:
    if not mounting_works():
        pytest.skip("mounting is not permitted here")


def run(folder: Path, case: str) -> dict[str, Any]:
    script = Path(__file__).with_name("bad_disk.py")
    command = [*UNSHARE, sys.executable, str(script), case, str(folder)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@pytest.mark.usefixtures("_mounting")
def test_a_home_that_became_read_only_is_read_and_says_why_it_is_not_written(tmp_path: Path) -> None:
    seen = run(tmp_path, "read-only")
    assert seen["opened"][0] == seen["update"][0] == "state"
    assert "read-only" in seen["update"][2]
    assert seen["load"] == ["demo"]
    assert seen["recover"][0].startswith("not recovered: ")
    assert seen["telemetry"]["lost"] == 5
    assert "Read-only file system" in seen["telemetry"]["error"]
    assert seen["calls"] == ["new-0", "new-1", "new-2"]


@pytest.mark.usefixtures("_mounting")
def test_a_damaged_registry_in_a_read_only_home_is_rebuilt_in_memory(tmp_path: Path) -> None:
    seen = run(tmp_path, "damaged")
    assert seen["load"] == ["demo"]
    assert "in memory only" in seen["notes"][0]
    assert seen["file"] == "{"


@pytest.mark.usefixtures("_mounting")
def test_on_a_full_disk_the_old_state_stays_and_lost_rows_are_counted(tmp_path: Path) -> None:
    seen = run(tmp_path, "full")
    assert seen["publish"][0] == "state"
    assert "disk is full" in seen["publish"][2]
    assert seen["current"] is True
    assert seen["left"] == []
    assert seen["recover"] == []
    assert "full" in seen["telemetry"]["error"]
    assert seen["telemetry"]["notes"] == []
    assert seen["kept"] + seen["telemetry"]["lost"] == 2000


@pytest.mark.usefixtures("_mounting")
def test_rows_wait_for_a_full_disk_to_have_room_again(tmp_path: Path) -> None:
    seen = run(tmp_path, "freed")
    assert seen["error"]
    assert seen["lost"] == 0
    assert seen["kept"] == [f"t{n}" for n in range(200)]


@pytest.mark.usefixtures("_mounting")
@pytest.mark.parametrize("transition", list(OUTCOMES))
def test_a_disk_that_is_full_at_any_step_leaves_the_old_or_the_new_state(tmp_path: Path, transition: str) -> None:
    """And says why; with room again, the same works."""
    script = Path(__file__).with_name("full_driver.py")
    command = [*UNSHARE, sys.executable, str(script), str(tmp_path / "disk"), transition]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert len(seen) >= 5
    for one in seen:
        assert one["full"] in OUTCOMES[transition], one
        assert one["between"] in OUTCOMES[transition], one
        assert (one["again"], one["after"]) == ({}, OUTCOMES[transition][-1]), one
        if one["told"]:
            assert (one["told"]["code"], one["told"]["hint"]) == ("state", "the disk is full: free some space"), one
        else:
            assert one["full"] == OUTCOMES[transition][-1], one
    assert any(one["told"] for one in seen)
