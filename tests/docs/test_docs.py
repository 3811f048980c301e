"""The documents are true: commands exist, links lead somewhere, generated parts are up to date, versions agree."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harnessgym_mcp import __version__
from harnessgym_mcp.agents.script import load_script
from harnessgym_mcp.cli.parser import COMMANDS, parse
from harnessgym_mcp.errors import UsageError

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
IDS = [p.name for p in DOCUMENTS]


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_command_in_a_document_exists(path):
    named = re.findall(r"(?:^|[`\s])harnessgym ([a-z]+)\b", path.read_text())
    words = {
        "behind",
        "call",
        "add",
        "adds",
        "begins",
        "is",
        "itself",
        "keeps",
        "then",
        "was",
        "does",
        "has",
        "and",
        "as",
    }
    assert set(named) - set(COMMANDS) - words == set()


def told_commands(text):
    """The commands of a document, each in one line: those of its blocks, and those of its sentences that have words."""
    whole = re.sub(r" *\\\n +", " ", text).replace(" && ", "\n")
    blocks = re.findall(r"(?m)^ {0,4}(?:\S*/)?(harnessgym [^\n]*?)(?: {3,}\S.*|  +#.*)?$", whole)
    inline = re.findall(r"`(harnessgym [^`\n]+ [^`\n]+)`", whole)
    return [c for c in (*blocks, *inline) if not re.search(r"[\[\]|]", c) and c.split()[1] in COMMANDS]


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.name != "cli.md"], ids=lambda path: path.name)
def test_the_parser_takes_every_command_of_a_document(path):
    refused = []
    for line in told_commands(path.read_text()):
        try:
            parse(shlex.split(line, comments=True)[1:])
        except UsageError as error:
            refused.append((line, error.message))
    assert refused == []


def test_every_command_that_a_page_tells_is_one_that_the_parser_takes():
    pages = (ROOT / "harnessgym_mcp" / "dashboard" / "templates").glob("*.j2")
    told = {line for page in pages for line in re.findall(r"<code>(harnessgym [^<{]+)</code>", page.read_text())}
    assert len(told) > 8
    for line in told - {"harnessgym run", "harnessgym compare"}:  # named, not told to type
        assert parse(shlex.split(line)[1:]).command == line.split()[1]


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_link_to_a_file_leads_somewhere(path):
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text())
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_module_that_a_document_runs_exists(path):
    modules = re.findall(r"python -m (benchmarks\.\w+)", path.read_text())
    assert [m for m in modules if not (ROOT / (m.replace(".", "/") + ".py")).exists()] == []


def test_the_command_reference_is_written_from_the_parser():
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "cli-reference"), "--check"], timeout=60)
    assert done.returncode == 0, "run scripts/cli-reference"


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    server = json.loads((ROOT / "server.json").read_text())
    assert {project["version"], server["version"], server["packages"][0]["version"]} == {__version__}
    assert server["packages"][0]["identifier"] == project["name"]
    assert f"## {__version__}" in (ROOT / "docs" / "changelog.md").read_text()


def test_the_readme_has_one_command_for_the_main_job_and_one_for_the_tests():
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.strip().splitlines()]
    setups = [line for line in lines if "/pip install" in line]
    assert [line.split("&&")[-1].strip() for line in setups] == [
        ".venv/bin/harnessgym demo",
        ".venv/bin/python -m pytest",
    ]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_the_script_in_the_documents_is_one(tmp_path):
    block = re.search(r"## Scripts.*?```json\n(.*?)```", (ROOT / "docs" / "run.md").read_text(), re.DOTALL)
    (tmp_path / "script.json").write_text(block[1])
    script = load_script(tmp_path / "script.json")
    assert [turn.phase for turn in script.turns] == ["attempt", "attempt", "reflect", "build"]
