"""A person's desk: a home folder, a project, and whichever client programs a test puts on PATH."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.cli.main import main
from harnessgym_mcp.qualify.scaffold import scaffold

DEADLINE = 60.0  # seconds


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

    def submit(self, name: str = "adder") -> None:
        """A scaffolded artifact with the tool `add`, qualified and published."""
        draft = self.home / name
        for path, text in scaffold(name, tools=["add"]).items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / path).write_text(text)
        code, out, err = self.run("submit", str(draft), "--set", "isolation.allow_unconfined=true")
        assert code == 0, out + err

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

    def on_terminal(self, *words: str, **env: str) -> "Terminal":
        """The same command on a terminal of 100 columns."""
        argv = [sys.executable, "-m", "harnessgym_mcp", words[0], "--workspace", str(self.project), *words[1:]]
        return Terminal(argv, {**os.environ, "TERM": "xterm-256color", **env})


class Terminal:
    """A program on a pseudo-terminal: what it shows, and keys for it."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.shown = ""

    def until(self, wanted: str) -> str:
        """All that was shown so far, as soon as `wanted` is in it."""
        deadline = time.monotonic() + DEADLINE
        while wanted not in self.shown:
            if not self._read(deadline):
                raise AssertionError(f"{wanted!r} did not appear in {self.shown!r}")
        return self.shown

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def end(self) -> tuple[int, str]:
        """Exit code and all that was shown, once it has ended."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        os.close(self.fd)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), self.shown

    def _read(self, deadline: float) -> bool:
        if not select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
            os.kill(self.pid, signal.SIGKILL)
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the program has closed the terminal
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def terminal() -> type[Terminal]:
    """For programs other than ours."""
    return Terminal


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
