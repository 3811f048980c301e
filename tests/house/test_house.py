"""The house's own rules: sizes, public names, and what a start may import."""

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harnessgym_mcp

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "harnessgym_mcp"
MOST_LINES = 400
NOT_IMPORTED = re.compile(r"harnessgym_mcp\.(__main__|starter|qualify\.templates)")

MODULES = sorted(
    m.name for m in pkgutil.walk_packages(harnessgym_mcp.__path__, "harnessgym_mcp.") if not NOT_IMPORTED.match(m.name)
)


def sources() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "templates" not in p.parts)


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_module_is_short(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_functions_are_small():
    lengths = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths.append((node.end_lineno or node.lineno) - node.lineno + 1)
    lengths.sort()
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 40


@pytest.mark.parametrize("name", MODULES)
def test_a_module_names_what_is_public_and_it_exists(name):
    module = importlib.import_module(name)
    is_package = hasattr(module, "__path__")
    assert is_package or hasattr(module, "__all__"), "a module lists its public names"
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name}.__all__ names {public}, which is not there"


def test_every_module_says_what_it_is_for():
    silent = [p.name for p in sources() if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


@pytest.mark.parametrize("heavy", ["mcp", "pydantic", "anyio", "sqlite3", "jinja2", "rich", "watchfiles", "uv"])
def test_the_server_starts_without(heavy):
    code = (
        f"import harnessgym_mcp.server.serve, harnessgym_mcp.cli.commands.serve_, sys; print({heavy!r} in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


def test_policy_numbers_live_in_policy_alone():
    """A timeout, size or budget written elsewhere as a bare default would be a rule that no digest knows of."""
    suspicious = re.compile(r"\btimeout(?:_seconds)?\s*(?::\s*float\s*)?=\s*\d+(?:\.\d+)?\s*[,)]")
    found = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sources()
        if path.name != "sections.py" and "templates" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if suspicious.search(line) and "subprocess" not in line
    ]
    assert found == []


def test_no_file_tells_of_this_or_any_machine():
    """Paths of a developer's machine and registry hosts have no place in the project."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=60)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    private = re.compile(rb"/work/[a-z]|https?://[a-z][^\s\"'<>]+/(?:simple|-|dists)/")
    found = []
    for name in tracked.stdout.split(b"\0"):
        path = ROOT / name.decode()
        if path.is_file() and path != Path(__file__) and private.search(path.read_bytes()):
            found.append(name.decode())
    assert found == []
