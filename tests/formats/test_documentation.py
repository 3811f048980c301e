"""docs/formats.md says what the code does."""

import re
from pathlib import Path

import harnessgym_mcp.qualify
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.qualify.exporting import FORMATS

TEXT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
SOURCES = Path(harnessgym_mcp.qualify.__file__).parent


def test_every_finding_of_an_import_is_listed():
    listed = set(re.findall(r"^\| `(import\.[a-z-]+)` \|", TEXT, re.MULTILINE))
    emitted = {i for path in SOURCES.glob("*.py") for i in re.findall(r'"(import\.[a-z-]+)"', path.read_text())}
    assert emitted == listed


def test_every_format_and_number_is_told():
    for format in FORMATS:
        assert f"| `{format}` |" in TEXT
    lives = Policy().lifecycle
    assert f"`lifecycle.stale_sessions` sessions ({lives.stale_sessions})" in TEXT
    assert f"`lifecycle.keep_versions` ({lives.keep_versions})" in TEXT
    assert (lives.prune_age, "`lifecycle.prune_age` (an hour)" in TEXT) == (3600, True)
