"""What docs/security.md says of each tier is what the probes find, as root and as an ordinary user."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

import harnessgym_mcp
from harnessgym_mcp.core.policy import Isolation
from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.proc.choose import probe_all

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "security.md"
NOBODY = 65534
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probes speak Linux")


def read_table() -> dict[str, dict[str, str]]:
    """`{column: {attempt: outcome}}`"""
    lines = DOCS.read_text().partition("<!-- escape table -->\n")[2].partition("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {column: {row[0]: row[number] for row in rows} for number, column in enumerate(head) if number}


@cache
def reports() -> dict[str, IsolationReport]:
    return {report.tier: report for report in probe_all(Isolation())}


@pytest.fixture(scope="module")
def readable_copy() -> Iterator[Path]:
    """The package, the probes and msgspec where any user may read them."""
    folder = Path(tempfile.mkdtemp(prefix="readable-"))
    shutil.copytree(Path(harnessgym_mcp.__file__).parent, folder / "lib" / "harnessgym_mcp")
    shutil.copytree(Path(msgspec.__file__).parent, folder / "lib" / "msgspec")
    shutil.copytree(HERE, folder / "probes")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0))
    yield folder
    shutil.rmtree(folder)


def outcomes(command: list[str], env: dict[str, str]) -> dict[str, str]:
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


def as_ourselves(tier: str) -> dict[str, str]:
    return outcomes([sys.executable, str(HERE / "escape.py"), tier], {**os.environ, "HARNESS_SECRET": "1"})


def as_nobody(tier: str, copy: Path) -> dict[str, str]:
    setpriv, python = shutil.which("setpriv"), Path("/usr/bin/python3")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("only root can become another user, and only with setpriv")
    version = subprocess.run([python, "-V"], capture_output=True, text=True).stdout.split()[-1]
    if version.split(".")[:2] != [str(part) for part in sys.version_info[:2]]:
        pytest.skip(f"the system's Python is {version}: it cannot load our compiled libraries")
    become = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": str(copy / "lib"), "HARNESS_SECRET": "1"}
    return outcomes([*become, str(python), "-B", str(copy / "probes" / "escape.py"), tier], env)


def differences(found: dict[str, str], column: str) -> dict[str, tuple[str, str]]:
    told = read_table()[column]
    assert set(found) == set(told), "the table and the probes name different attempts"
    if column == "B" and not reports()["B"].in_force["signals_contained"]:
        told["signal a process"] = "varies"  # before Linux 6.12, as the documentation says
    return {name: (told[name], was) for name, was in found.items() if told[name] not in (was, "varies")}


def require(tier: str) -> None:
    """A tier that does not start is the machine's affair; one that starts and does not hold is ours."""
    error = reports()[tier].tried[-1]["error"]
    assert "not in force" not in error
    if error:
        pytest.skip(f"tier {tier} does not work on this machine: {error}")


@pytest.mark.parametrize("tier", ["A", "B", "D"])
def test_a_tier_holds_back_what_the_documentation_says(tier: str) -> None:
    require(tier)
    column = "D as root" if tier == "D" and os.geteuid() == 0 else tier
    assert differences(as_ourselves(tier), column) == {}


@pytest.mark.parametrize("tier", ["A", "B", "D"])
def test_a_tier_holds_back_the_same_for_an_ordinary_user(tier: str, readable_copy: Path) -> None:
    require(tier)
    assert differences(as_nobody(tier, readable_copy), tier) == {}


def test_at_least_seventeen_attempts_are_contained_by_both_confining_tiers() -> None:
    table = read_table()
    for tier in ("A", "B"):
        assert sum(outcome in ("contained", "bounded") for outcome in table[tier].values()) >= 17
    assert "open" not in table["A"].values()
