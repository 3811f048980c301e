"""The official suite through the fronts, where it is installed (`scripts/conformance` installs it)."""

import os
import shutil
from pathlib import Path

import pytest

from tests.conformance.run import REVISIONS, scenarios, served

_FOLDER = Path(os.environ.get("HARNESSGYM_CONFORMANCE", str(Path.home() / ".cache" / "harnessgym-conformance")))
_COUNT = {"2025-11-25": 33, "2026-07-28": 40}
needs_suite = pytest.mark.skipif(
    not (_FOLDER / "installed").exists(), reason="the conformance suite is not installed: scripts/conformance does that"
)


@needs_suite
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("revision", REVISIONS)
def test_every_server_scenario_passes_through_the_http_front(revision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(_FOLDER / "node_modules" / ".bin"), prepend=os.pathsep)
    assert shutil.which("conformance")
    with served("http") as address:
        found = scenarios(address, revision)
    assert [name for name, passed in found.items() if not passed] == []
    assert len(found) >= _COUNT[revision]
