"""A person's desk: a home folder, a project, and whichever client programs a test puts on PATH."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.cli.main import main


@dataclass
class Desk:
    """`run` plays a command in this process and gives its exit code, stdout and stderr."""

    home: Path
    project: Path
    programs: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = main([words[0], "--workspace", str(self.project), *words[1:]])
        out, err = self.capture.readouterr()
        return code, out, err

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out, _ = self.run(*words, "--json")
        return code, json.loads(out)

    def program(self, name: str, text: str = "#!/bin/sh\necho 1.2.3\n") -> Path:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def spawn(self, *words: str, **options: Any) -> "subprocess.Popen[Any]":
        """The same command as a process of its own."""
        argv = [sys.executable, "-m", "harnessgym_mcp", words[0], "--workspace", str(self.project), *words[1:]]
        return subprocess.Popen(argv, **options)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    home, project, programs = tmp_path / "home", tmp_path / "my project", tmp_path / "bin"
    for folder in (home, project, programs):
        folder.mkdir()
    for name in (
        "CLAUDE_CONFIG_DIR",
        "CODEX_HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "CLAUDE_PROJECT_DIR",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return Desk(home, project, programs, capsys)
