import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.qualify.scaffold import scaffold
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A folder with these files; gives the folder."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def write() -> Callable[[Path, dict[str, str | bytes]], Path]:
    """Write files into a folder, which is made; gives the folder."""
    return write_files


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests, so that the sandbox is probed once."""
    return tmp_path_factory.mktemp("state")


class Place:
    """A workspace, its home and what is done there, in this process or by the command line."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.workspace = folder / "work space"
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.state = state
        self.home = Home.open(self.workspace, None, state)
        self.stores = Stores.open(self.home)
        self.submitter = Submitter(self.stores, Policy())

    @property
    def registry(self) -> Any:
        return self.stores.registry.load()

    def argv(self, command: str, *more: str) -> list[str]:
        where = ["--workspace", str(self.workspace), "--state", str(self.state)]
        return [sys.executable, "-m", "harnessgym_mcp", command, *where, *more]

    def run(self, command: str, *more: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the JSON that the command printed."""
        done = subprocess.run(
            self.argv(command, "--json", *more), capture_output=True, text=True, timeout=100, cwd=self.workspace
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    def say(self, command: str, *more: str) -> str:
        """What the command says to a person."""
        done = subprocess.run(
            self.argv(command, *more), capture_output=True, text=True, timeout=100, cwd=self.workspace
        )
        return done.stdout + done.stderr

    def draft(self, name: str, files: dict[str, str] | None = None, kind: str = "server") -> Path:
        """A scaffolded artifact beside the workspace, with files replaced."""
        whole = scaffold(name, kind=kind, tools=["add-up"] if kind == "server" else (), why="sums were wrong")
        return write_files(self.workspace.parent / "drafts" / name, {**whole, **(files or {})})


@pytest.fixture
def place(tmp_path: Path, state: Path) -> Place:
    return Place(tmp_path / "place", state)


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a place and its state, qualified once: a server that has a skill, an executable and odd file
    names, and a skill by itself."""
    folder = tmp_path_factory.mktemp("seed")
    place = Place(folder / "place", folder / "state")
    more = {"tools/run.sh": "#!/bin/sh\n", "docs/ä b.md": "x", "data.bin": bytes(range(256))}
    server = write_files(place.draft("adder"), more)
    (server / "tools/run.sh").chmod(0o755)
    for draft in (server, place.draft("steps", kind="skill")):
        done = asyncio.run(place.submitter.submit(draft))
        assert done.verdict.qualified, done.verdict.errors
    return folder


@pytest.fixture
def filled(seed: Path, tmp_path: Path) -> Place:
    """A copy of the seed for one test."""
    shutil.copytree(seed, tmp_path / "filled", symlinks=True)
    return Place(tmp_path / "filled" / "place", tmp_path / "filled" / "state")


@pytest.fixture
def make_place(tmp_path: Path, state: Path) -> Callable[[str], Place]:
    return lambda name: Place(tmp_path / name, state)


class Wire:
    """`harnessgym serve`, spoken to line by line."""

    def __init__(self, place: Place, *, modern: bool = False) -> None:
        self.process = subprocess.Popen(
            place.argv("serve", "--session", "s"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=place.workspace
        )
        self.modern = modern
        self._number = 0
        if modern:
            self.server = self.ask("server/discover")
        else:
            client = {"name": "test", "version": "1"}
            params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
            self.server = self.ask("initialize", **params)
            self._send({"method": "notifications/initialized"})

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer, an error included."""
        self._number += 1
        if self.modern:
            keys = ("protocolVersion", "clientCapabilities")
            params["_meta"] = {f"io.modelcontextprotocol/{k}": v for k, v in zip(keys, ("2026-07-28", {}), strict=True)}
        self._send({"id": self._number, "method": method, "params": params})
        assert self.process.stdout
        while line := self.process.stdout.readline():
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == self._number:
                return message
        raise AssertionError("the server closed its output")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        answer = self.answer(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Wire]]:
    """Start a server for a place; `modern=True` speaks the revision without a handshake."""
    wires: list[Wire] = []

    def start(place: Place, *, modern: bool = False) -> Wire:
        wires.append(Wire(place, modern=modern))
        return wires[-1]

    yield start
    for wire in wires:
        wire.close()


def executable(path: Path) -> bool:
    return os.access(path, os.X_OK)
