"""The tutorial, run as a reader would: every block of it, in order, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)


@pytest.fixture
def shell(tmp_path):
    """Runs a block with `harnessgym` on the PATH, an empty HOME and a state folder of its own."""
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "harnessgym").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harnessgym_mcp "$@"\n')
    (bin / "harnessgym").chmod(0o755)
    folder = tmp_path / "project"
    (tmp_path / "home").mkdir()
    folder.mkdir()
    env = {
        "PATH": f"{bin}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(TUTORIAL.parents[1]),
        "LANG": "C.UTF-8",
    }

    def run(block):
        return subprocess.run(
            ["bash", "-e", "-c", block], cwd=folder, env=env, capture_output=True, text=True, timeout=110
        )

    return run


def test_every_block_of_the_tutorial_works(shell):
    outputs = []
    for block in BLOCKS:
        done = shell(block)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
    whole = "\n".join(outputs)
    assert "word-count 1.0.0: qualified" in whole
    assert '{"words": 6, "different": 4}' in whole
    assert "word-count__count" in whole
