"""An import that is killed or meets a full disk at any of its steps: old or new, never between, possible again."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.proc.held import HeldFolder
from harnessgym_mcp.qualify.scaffold import scaffold

DRIVER = Path(__file__).with_name("import_driver.py")
UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
SKILL = "---\nname: tidy-up\ndescription: How to tidy up.\n---\n\n# Tidy up\n"
CONFIG = {"command": "python", "args": ["${__dirname}/main.py"]}
BUNDLE = {
    "manifest_version": "0.3",
    "name": "say-it",
    "version": "1.0.0",
    "description": "Adds.",
    "author": {"name": "me"},
    "server": {"type": "python", "entry_point": "main.py", "mcp_config": CONFIG},
}
FILES = {
    "skill": {"tidy-up/SKILL.md": SKILL},
    "bad skill": {"tidy-up/SKILL.md": "# Tidy up\n"},
    "server": {"manifest.json": json.dumps(BUNDLE), "main.py": scaffold("say-it", tools=["add-up"])["server.py"]},
}
ENDS = {"skill": (["tidy-up"], 0), "bad skill": ([], 1), "server": (["say-it"], 0)}


@pytest.fixture
def ready(place: Any) -> Path:
    """A state folder in which the sandbox has been probed, and no more."""
    assert place.run("qualify", str(place.draft("steps", kind="skill")))[0] == 0
    fresh: Path = place.workspace.parent / "ready"
    fresh.mkdir()
    for path in place.state.glob("*.json"):
        shutil.copy(path, fresh)
    return fresh


def drive(case: str, what: str, folder: Path, state: Path, *prefix: str) -> list[dict[str, Any]]:
    source = folder / "source.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name, text in FILES[what].items():
            archive.writestr(name, text)
    command = [*prefix, sys.executable, str(DRIVER), case, str(folder / "places"), str(source), str(state)]
    (folder / "places").mkdir()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert ended.returncode == 0, ended.stderr
    seen: list[dict[str, Any]] = json.loads(ended.stdout)
    return seen


def check_ends(seen: list[dict[str, Any]], what: str) -> None:
    artifacts, rejected = ENDS[what]
    for one in seen:
        assert one["between"] in ([], artifacts), one
        assert one["again"]["status"] == ("rejected" if rejected else "qualified"), one
        assert (one["artifacts"], one["rejected"], one["left"]) == (artifacts, rejected, []), one


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["skill", "bad skill", pytest.param("server", marks=pytest.mark.slow)])
def test_an_import_that_is_killed_at_any_step_leaves_old_or_new(what: str, ready: Path, tmp_path: Path) -> None:
    seen = drive("killed", what, tmp_path, ready)
    check_ends(seen, what)
    assert len(seen) >= 20
    if artifacts := ENDS[what][0]:
        assert [one["between"] for one in (seen[0], seen[-1])] == [[], artifacts]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("what", "how"), [("skill", "written-full"), ("bad skill", "full")])
def test_an_import_on_a_disk_that_is_full_at_any_step_is_told_and_loses_nothing(
    what: str, how: str, ready: Path, tmp_path: Path
) -> None:
    if subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    seen = drive(how, what, tmp_path, ready, *UNSHARE)
    check_ends(seen, what)
    assert len(seen) >= 20
    refused = [one["told"] for one in seen if one["told"].get("code")]
    assert {told["code"] for told in refused} == {"state"}
    assert all("full" in told["hint"] for told in refused)
    for one in seen:
        if one["told"].get("status") == "rejected" and what != "bad skill":
            assert all(id.startswith("gate.") and fix for id, fix in one["told"]["errors"]), one


def test_a_disk_that_fills_up_while_a_server_is_judged_is_not_the_servers_fault(place: Any, tmp_path: Path) -> None:
    draft = place.draft("adder")
    lines = (draft / "server.py").read_text()
    hungry = (
        "import os as _os, pathlib as _p\n_p.Path(_os.environ['PLUGIN_DATA'], 'kept').write_bytes(bytes(4_000_000))\n"
    )
    (draft / "server.py").write_text(lines.replace("\nimport json", f"\n{hungry}\nimport json", 1))
    assert place.run("qualify", str(draft))[0] == 0
    (tmp_path / "small").mkdir()
    mount = 'mount -t tmpfs -o size=3m none "$1" && shift && exec "$@"'
    command = [*UNSHARE, "sh", "-c", mount, "sh", str(tmp_path / "small"), *place.argv("submit", str(draft), "--json")]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(tmp_path / "small")}
    )
    if not ended.stdout:
        pytest.skip(f"mounting is not permitted here: {ended.stderr}")
    told = json.loads(ended.stdout)
    assert "gate.disk" in [f["id"] for f in told["findings"]]
    assert place.registry.quarantine == []


def test_a_held_folder_is_kept_while_it_is_held_and_removed_after_its_maker_died(tmp_path: Path) -> None:
    prefix = f"held-{os.getpid()}-"
    code = (
        "import sys\nfrom harnessgym_mcp.proc.held import HeldFolder\n"
        "folder = HeldFolder.make(sys.argv[1])\n(folder.path / 'a').mkdir()\nprint(folder.path, flush=True)\ninput()\n"
    )
    maker = subprocess.Popen(
        [sys.executable, "-c", code, prefix], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout is not None
    path = Path(maker.stdout.readline().strip())
    with HeldFolder.make(prefix) as own:
        assert (path / "a").is_dir()
        assert own.is_dir()
    assert not own.exists()
    maker.kill()
    maker.communicate()
    assert path.is_dir()
    with HeldFolder.make(prefix):
        assert not path.exists()
