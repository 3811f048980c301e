"""Environments: built once, by uv, from wheels alone, without running a line of them outside."""

import contextlib
import hashlib
import http.server
import json
import subprocess
import sys
import threading
import zipfile
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import PackagesError, UsageError
from harnessgym_mcp.proc.environments import Environment, Environments

POLICY = Policy().override({"isolation.cool_down_days": 0})


def make_wheel(folder: Path, name: str, files: dict[str, str], requires: str = "") -> None:
    """A wheel by hand: a zip with metadata and a record."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    content = {
        **files,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{_hash(text)},{len(text.encode())}\n" for path, text in content.items())
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        for path, text in {**content, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            file.writestr(path, text)


def _hash(text: str) -> str:
    return "sha256=" + urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels instead of the network, configured as a user would; its cache is its own."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def test_packages_are_installed_once_and_used_inside_each_tier(house: Any, index: Path, tmp_path: Path) -> None:
    make_wheel(index, "greeting", {"greeting.py": "WORD = 'hello'\n"}, requires="tail")
    make_wheel(index, "tail", {"tail.py": ""})
    environments = Environments(tmp_path / "state", POLICY)
    found = environments.ensure(["greeting"])
    script = "import greeting, tail, sys; print(greeting.WORD, sys.version)"
    said = house.run("python3", "-c", script, binds=found.binds, path_first=found.path_first)
    assert said.strip() == f"hello {sys.version}"
    for wheel in index.iterdir():
        wheel.unlink()
    assert environments.ensure(["greeting "]) == found


def test_what_uv_has_kept_serves_without_the_index(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "greeting", {"greeting.py": ""})
    first = Environments(tmp_path / "one", POLICY).ensure(["greeting"])
    monkeypatch.setenv("UV_OFFLINE", "1")
    second = Environments(tmp_path / "two", POLICY).ensure(["greeting"])
    assert first.root is not None
    assert second.root is not None
    assert first.root.name == second.root.name


def test_a_console_script_works_at_its_final_place(house: Any, index: Path, tmp_path: Path) -> None:
    entry = "greeting-1.0.dist-info/entry_points.txt"
    make_wheel(
        index,
        "greeting",
        {"greeting.py": "def main():\n    print('hi')\n", entry: "[console_scripts]\nhail = greeting:main\n"},
    )
    found = Environments(tmp_path / "state", POLICY).ensure(["greeting"])
    assert house.run("hail", binds=found.binds, path_first=found.path_first) == "hi\n"


def test_no_code_of_a_package_runs_outside(house: Any, index: Path, tmp_path: Path) -> None:
    """A .pth file runs at the start of every interpreter that sees it."""
    mark = tmp_path / "ran"
    evil = f"import pathlib; pathlib.Path({str(mark)!r}).write_text('x')\n"
    make_wheel(index, "evil", {"evil.pth": evil, "evil.py": "", "sitecustomize.py": evil})
    found = Environments(tmp_path / "state", POLICY).ensure(["evil"])
    assert not mark.exists()
    assert found.root is not None
    assert list(found.root.rglob("evil.*.pyc"))
    house.run("python3", "-c", "import evil", binds=found.binds, path_first=found.path_first)


def test_a_source_distribution_is_not_built(index: Path, tmp_path: Path) -> None:
    project = tmp_path / "source-1.0"
    project.mkdir()
    (project / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    subprocess.run(["tar", "czf", str(index / "source-1.0.tar.gz"), "-C", str(tmp_path), "source-1.0"], check=True)
    with pytest.raises(PackagesError) as caught:
        Environments(tmp_path / "state", POLICY).ensure(["source"])
    assert "wheel" in caught.value.hint
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_had_leaves_nothing_behind(index: Path, tmp_path: Path) -> None:
    with pytest.raises(PackagesError, match="missing-package"):
        Environments(tmp_path / "state", POLICY).ensure(["missing-package"])
    assert [path.name for path in (tmp_path / "state" / "environments").iterdir() if path.is_dir()] == []


def test_two_that_want_the_same_build_it_once(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "greeting", {"greeting.py": ""})
    found: list[Environment] = []
    threads = [
        threading.Thread(target=lambda: found.append(Environments(tmp_path / "state", POLICY).ensure(["greeting"])))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len({each.root for each in found}) == 1


def test_without_packages_the_common_interpreter_serves(tmp_path: Path) -> None:
    environments = Environments(tmp_path, POLICY)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in ("", own, own + "." + str(sys.version_info.micro)):
        assert environments.ensure([], python) == Environment()
    assert Environment().python == ("python3",)
    assert not any(tmp_path.iterdir())


def test_a_python_that_is_not_there_is_told(index: Path, tmp_path: Path) -> None:
    with pytest.raises(PackagesError):
        Environments(tmp_path, POLICY).ensure([], "3.4")


@pytest.mark.parametrize("text", ["-r /etc/passwd", "x @ file:///tmp", "git+https://x", "./x", "--index-url=x", "a\nb"])
def test_a_requirement_that_leads_elsewhere_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Environments(tmp_path, POLICY).ensure([text])
    assert not any(tmp_path.iterdir())


def test_policy_may_grant_no_packages(tmp_path: Path) -> None:
    with pytest.raises(PackagesError, match="policy"):
        Environments(tmp_path, POLICY.override({"grants.packages": False})).ensure(["attrs"])


class _Index(http.server.BaseHTTPRequestHandler):
    """A package index that tells when each file was uploaded (PEP 700)."""

    folder: ClassVar[Path]
    uploaded: ClassVar[datetime]

    def do_GET(self) -> None:
        name = self.path.rstrip("/").rpartition("/")[2]
        wheel = self.folder / (name if name.endswith(".whl") else f"{name}-1.0-py3-none-any.whl")
        content = wheel.read_bytes() if wheel.exists() else b""
        kind = "application/octet-stream"
        if not name.endswith(".whl"):
            file = {
                "filename": wheel.name,
                "url": f"/{wheel.name}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "upload-time": f"{self.uploaded:%Y-%m-%dT%H:%M:%SZ}",
            }
            content = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": [file]}).encode()
            kind = "application/vnd.pypi.simple.v1+json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.mark.parametrize(("age", "taken"), [(1, False), (30, True)])
def test_a_package_younger_than_the_cool_down_is_not_taken(
    age: int, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "greeting", {"greeting.py": ""})
    facts = {"folder": tmp_path, "uploaded": datetime.now(UTC) - timedelta(days=age)}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Index", (_Index,), facts)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_address[1]}/simple/")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        environments = Environments(tmp_path / "state", POLICY.override({"isolation.cool_down_days": 7}))
        try:
            with contextlib.nullcontext() if taken else pytest.raises(PackagesError):
                environments.ensure(["greeting"])
        finally:
            server.shutdown()
            thread.join()
