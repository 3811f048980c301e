"""A script's own metadata."""

import pytest

from harnessgym_mcp.core.pep723 import ScriptBlock, read_block
from harnessgym_mcp.errors import UsageError

BLOCK = """#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "numpy<3",
#
#   "rich",
# ]
# ///
import numpy
"""


def test_dependencies_and_the_wanted_python_are_read() -> None:
    assert read_block(BLOCK) == ScriptBlock(("numpy<3", "rich"), ">=3.11")


def test_windows_line_ends_are_fine() -> None:
    assert read_block(BLOCK.replace("\n", "\r\n")) == read_block(BLOCK)


@pytest.mark.parametrize("source", ["", "import os\n", "# /// script\nimport os\n", "# /// other\n# x = 1\n# ///\n"])
def test_a_script_without_a_block_has_none(source: str) -> None:
    assert read_block(source) is None


def test_an_empty_block_asks_for_nothing() -> None:
    assert read_block("# /// script\n#\n# ///\n") == ScriptBlock()


@pytest.mark.parametrize(
    "content",
    ["dependencies = 'numpy'", "dependencies = [1]", "requires-python = 3", "dependencies = [", "x = " + "[" * 5000],
)
def test_a_block_that_is_not_what_it_should_be_is_told(content: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_block(f"# /// script\n# {content}\n# ///\n")
    assert caught.value.hint


def test_two_blocks_are_refused() -> None:
    with pytest.raises(UsageError, match="more than one"):
        read_block(BLOCK + BLOCK)
