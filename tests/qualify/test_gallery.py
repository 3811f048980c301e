"""The rogues' gallery: every specimen of `quarantine/` is refused for its reason, every control qualifies.

`expected.json` beside an artifact says {status, why, findings} and, where it takes more than files to show the fault:
`prepare` {files, symlinks, modes, fifos}, `known` (other artifacts), `workspace`, `needs` (a program).
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.verdict import Verdict
from harnessgym_mcp.qualify.catalogue import FINDINGS
from harnessgym_mcp.qualify.request import Known, Request
from harnessgym_mcp.qualify.run import qualify

GALLERY = Path(__file__).parents[2] / "quarantine"
CONTROLS = Path(__file__).parent / "controls"
SETTINGS: dict[str, object] = {"qualify.fuzz_call": 1.0}
STRICT: dict[str, object] = {**SETTINGS, "qualify.busy": 1.0}
"""Hanging specimens are waited for; policy's own times prove no more. Patience on a busy machine is for the honest."""

pytestmark = pytest.mark.timeout(900)


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if (p / "expected.json").exists())


def _expected(folder: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return expected


def _prepare(folder: Path, target: Path, workspace: Path) -> None:
    """The artifact as it would be submitted."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("expected.json", "__pycache__"))
    for path in target.rglob("*"):
        if path.is_file() and b"@@WORKSPACE@@" in path.read_bytes():
            path.write_text(path.read_text().replace("@@WORKSPACE@@", str(workspace)))
    special = _expected(folder).get("prepare", {})
    for path, text in special.get("files", {}).items():
        (target / path).write_text(text)
    for path, link in special.get("symlinks", {}).items():
        (target / path).symlink_to(link)
    for path, mode in special.get("modes", {}).items():
        (target / path).chmod(int(mode, 8))
    for path in special.get("fifos", []):
        os.mkfifo(target / path)


def _request(folder: Path, base: Path, state: Path, settings: dict[str, object] = SETTINGS) -> Request:
    expected = _expected(folder)
    workspace = base / "workspace"
    workspace.mkdir(parents=True)
    (workspace / "three.txt").write_text("one\ntwo\nthree\n")
    _prepare(folder, base / "artifact", workspace)
    return Request(
        source=str(base / "artifact"),
        home=str(state),
        state=str(state),
        workspace=str(workspace) if expected.get("workspace") else "",
        settings=Policy().override(settings).as_dict(),
        known=msgspec.convert(expected.get("known", []), list[Known]),
    )


@pytest.fixture(scope="module")
def verdicts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, state: Path
) -> dict[str, Verdict]:
    """All that are asked for, judged two at a time."""
    chosen = {item.callspec.params["folder"] for item in request.session.items if _is_ours(item)}

    async def judge(folder: Path, places: asyncio.Semaphore) -> Verdict:
        async with places:
            settings = SETTINGS if folder.parent == CONTROLS else STRICT
            request = _request(folder, tmp_path_factory.mktemp("case"), state, settings)
            return (await qualify(request, lambda stage: None)).verdict

    async def judge_all() -> dict[str, Verdict]:
        places = asyncio.Semaphore(2)
        folders = sorted(chosen)
        return dict(zip(map(str, folders), await asyncio.gather(*(judge(f, places) for f in folders)), strict=True))

    return asyncio.run(judge_all())


def _is_ours(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "verdicts" in item.fixturenames and "folder" in item.callspec.params


def _told(verdict: Verdict) -> str:
    return "\n".join(f"{f.severity} {f.id} [{f.where}] {f.what}" for f in verdict.findings)


@pytest.mark.parametrize("folder", [GALLERY / name for name in _names(GALLERY)], ids=lambda p: p.name)
def test_a_specimen_is_refused_for_its_reason(folder: Path, verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[str(folder)]
    assert verdict.status == "rejected", _told(verdict)
    assert set(_expected(folder)["findings"]) <= {f.id for f in verdict.errors}, _told(verdict)
    assert not [f.id for f in verdict.findings if f.id.startswith(("gate.", "isolation."))], _told(verdict)
    assert all(f.what and f.fix for f in verdict.errors), _told(verdict)
    assert {f.id for f in verdict.findings} <= set(FINDINGS)


@pytest.mark.parametrize("folder", [CONTROLS / name for name in _names(CONTROLS)], ids=lambda p: p.name)
def test_an_honest_artifact_qualifies(folder: Path, verdicts: dict[str, Verdict]) -> None:
    needs = _expected(folder).get("needs")
    if needs and not shutil.which(needs):
        pytest.skip(f"{needs} is not installed")
    verdict = verdicts[str(folder)]
    assert verdict.status == "qualified", _told(verdict)


@pytest.mark.parametrize("tier", ["B", "D"])
async def test_honest_artifacts_qualify_in_the_weaker_tiers_too(
    tier: str, tmp_path_factory: pytest.TempPathFactory, state: Path
) -> None:
    settings = {**SETTINGS, "isolation.tier": tier, "isolation.allow_unconfined": True}
    for name in ("plain", "history", "workspace-reader", "worker-process", "header-framing"):
        request = _request(CONTROLS / name, tmp_path_factory.mktemp("case"), state, settings)
        verdict = (await qualify(request, lambda stage: None)).verdict
        if "gate.isolation" in [f.id for f in verdict.errors]:
            pytest.skip(f"tier {tier} does not work on this machine")
        assert verdict.status == "qualified", _told(verdict)
        assert verdict.isolation is not None
        assert verdict.isolation.tier == tier


def test_the_gallery_is_large_and_each_specimen_different() -> None:
    whys = [_expected(GALLERY / name)["why"] for name in _names(GALLERY)]
    assert len(set(whys)) == len(whys) >= 40
