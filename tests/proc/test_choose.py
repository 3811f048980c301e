"""Choosing a sandbox: the strongest that works, remembered, and honest about what it is."""

from pathlib import Path

import msgspec
import pytest

from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.choose import choose_sandbox, probe_all


def test_each_tier_of_this_machine_is_probed_and_says_what_is_missing() -> None:
    reports = {report.tier: report for report in probe_all(Isolation())}
    assert "D" in reports
    assert not reports["D"].confined
    assert reports["D"].missing
    for report in reports.values():
        assert report.in_force or report.tried[-1]["error"]


def test_a_choice_is_remembered_and_made_again_when_the_conditions_differ(tmp_path: Path) -> None:
    first = choose_sandbox(Isolation(), tmp_path).report
    file = tmp_path / "isolation.json"
    cache = msgspec.json.decode(file.read_bytes())
    cache["reports"]["auto"]["mechanism"] = "from the cache"
    file.write_bytes(msgspec.json.encode(cache))
    assert choose_sandbox(Isolation(), tmp_path).report.mechanism == "from the cache"
    cache["key"][0] = "another version"
    file.write_bytes(msgspec.json.encode(cache))
    assert choose_sandbox(Isolation(), tmp_path).report == first


def test_a_damaged_cache_costs_a_probe_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "isolation.json").write_bytes(b'{"key": [')
    assert choose_sandbox(Isolation(tier="D"), tmp_path).report.tier == "D"


def test_a_tier_that_does_not_work_here_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(IsolationError) as caught:
        choose_sandbox(Isolation(), tmp_path, wanted="C")
    assert caught.value.hint


def test_what_policy_forces_is_not_given_up_for_what_an_artifact_wants(tmp_path: Path) -> None:
    with pytest.raises(IsolationError, match="qualified in tier D"):
        choose_sandbox(Isolation(tier="A"), tmp_path, wanted="D")
