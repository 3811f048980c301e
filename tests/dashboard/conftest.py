"""A real dashboard process over a home with a past, and a real browser where there is one."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import Past, furnish, hostile

DEADLINE = 30.0
CHROMIUM = "/usr/bin/chromium"


class Board:
    """`harnessgym dashboard`, started for one workspace, and a client that keeps its cookie."""

    def __init__(self, workspace: Path, state: Path, *more: str) -> None:
        argv = [sys.executable, "-m", "harnessgym_mcp", "dashboard", "--workspace", str(workspace)]
        argv += ["--state", str(state), "--port", "0", "--no-open", "--json", *more]
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self._complaints, text=True)
        assert self._process.stdout is not None
        self.address: str = json.loads(self._process.stdout.readline())["address"]
        parts = urlsplit(self.address)
        self.origin = f"http://{parts.netloc}"
        self.token = parts.query.removeprefix("token=")
        self.host = parts.netloc
        self.cookie = ""

    def ask(
        self, path: str, method: str = "GET", body: str = "", *, cookie: bool = True, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers (lower case) and body; redirections are not followed."""
        connection = http.client.HTTPConnection(self.host, timeout=DEADLINE)
        sent = {"Host": self.host} | ({"Cookie": self.cookie} if cookie and self.cookie else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()

    def enter(self) -> None:
        """Exchange the key of the address for the cookie."""
        status, headers, _ = self.ask(f"/?token={self.token}")
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]

    def page(self, path: str) -> str:
        status, _, body = self.ask(path)
        assert status == 200, body
        return body

    def close(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        code = self._process.wait(DEADLINE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        if not self._complaints.closed:
            with self._complaints:
                self._complaints.seek(0)
                assert self._complaints.read() == "", "a dashboard has nothing to complain of"
        return code


class Browser:
    """Headless Chromium, told line by line what to do."""

    def __init__(self, library: str, profile: Path) -> None:
        driver = Path(__file__).with_name("driver.cjs")
        argv = ["node", str(driver), library, CHROMIUM, str(profile)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, action: str, *arguments: Any) -> Any:
        """One action of the driver; fails with what the page or the browser said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([action, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def close(self) -> None:
        self._process.communicate(timeout=DEADLINE)


def playwright() -> str:
    """Where the library lies; skips the test where something is missing."""
    if not Path(CHROMIUM).exists():
        pytest.skip("needs the Debian package chromium")
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    root = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True, timeout=DEADLINE)
    library = Path(os.environ.get("PLAYWRIGHT_CORE") or f"{root.stdout.strip()}/playwright-core")
    if not library.is_dir():
        pytest.skip("needs playwright-core: npm install --global playwright-core")
    return str(library)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Past:
    past = Past(tmp_path_factory.mktemp("furnished"))
    furnish(past)
    return past


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Past:
    past = Past(tmp_path_factory.mktemp("attacked"))
    hostile(past)
    return past


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


@pytest.fixture
def start() -> Iterator[Callable[..., Board]]:
    """Starts dashboards; each is ended after the test."""
    boards: list[Board] = []

    def started(past: Past, *more: str, enter: bool = True) -> Board:
        boards.append(Board(past.workspace, past.home.state, *more))
        if enter:
            boards[-1].enter()
        return boards[-1]

    yield started
    for board in boards:
        board.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    one = Browser(playwright(), tmp_path / "profile")
    yield one
    one.close()
