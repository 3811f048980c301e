"""Fresh workspaces: what is committed, or the sources of a folder; never the harness's own state."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harnessgym_mcp.core.policy import Qualify
from harnessgym_mcp.proc.workspace import Copied, fresh_workspace

BOUNDS = Qualify()


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def git(folder: Path, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work space"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "src" / "müll.py").write_text("one\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / ".harnessgym").mkdir()
    (folder / ".harnessgym" / "registry.json").write_text("{}")
    (folder / "link").symlink_to("src/müll.py")
    (folder / "leads-out").symlink_to("/etc/passwd")
    (folder / "climbs").symlink_to("../../x")
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "src" / "müll.py").write_text("changed\n")
    (folder / "untracked").write_text("x")
    return folder


def test_a_repository_gives_what_is_committed(repository: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy" / "a b"
    copied = fresh_workspace(repository, target, BOUNDS)
    assert copied.source == "commit"
    assert copied.complete
    assert tree(target) == {"run.sh": "#!/bin/sh\n", "src/müll.py": "one\n"}
    assert os.access(target / "run.sh", os.X_OK)
    assert (target / "link").read_text() == "one\n"
    assert not (target / "leads-out").is_symlink()
    assert not (target / "climbs").is_symlink()


def test_a_folder_inside_a_repository_gives_its_part(repository: Path, tmp_path: Path) -> None:
    assert fresh_workspace(repository / "src", tmp_path / "copy", BOUNDS).files == 1
    assert tree(tmp_path / "copy") == {"müll.py": "one\n"}


def test_a_repository_s_own_settings_run_nothing(repository: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for name in ("core.fsmonitor", "filter.evil.smudge", "core.sshCommand", "diff.external"):
        git(repository, "config", name, f"touch '{mark}'")
    (repository / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    fresh_workspace(repository, tmp_path / "copy", BOUNDS)
    assert not mark.exists()


def test_a_folder_without_commits_gives_its_sources(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    for name in ("a.py", "node_modules/x.js", "__pycache__/a.pyc", ".harnessgym/x", "deep/.venv/x", "deep/b.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    os.mkfifo(folder / "pipe")
    copied = fresh_workspace(folder, tmp_path / "copy", BOUNDS)
    assert copied == Copied("folder", 2, len("a.py") + len("deep/b.py"))
    assert set(tree(tmp_path / "copy")) == {"a.py", "deep/b.py"}


def test_a_repository_without_a_commit_counts_as_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a").write_text("x")
    assert fresh_workspace(folder, tmp_path / "copy", BOUNDS).source == "folder"
    assert tree(tmp_path / "copy") == {"a": "x"}


def test_the_copy_is_bounded_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "big"
    folder.mkdir()
    for name in "abcdef":
        (folder / name).write_text("x" * 10)
    few = fresh_workspace(folder, tmp_path / "few", replace(BOUNDS, workspace_files=2))
    small = fresh_workspace(folder, tmp_path / "small", replace(BOUNDS, workspace_bytes=35))
    assert (few.files, few.complete) == (2, False)
    assert (small.files, small.bytes, small.complete) == (3, 30, False)


def test_no_workspace_gives_an_empty_folder(tmp_path: Path) -> None:
    assert fresh_workspace(None, tmp_path / "copy", BOUNDS) == Copied("empty")
    assert not any((tmp_path / "copy").iterdir())


def test_a_crafted_tree_cannot_climb_out(repository: Path, tmp_path: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:run.sh").strip()
    raw = b"100644 ..\0" + bytes.fromhex(blob)
    command = ["git", "-C", str(repository), "hash-object", "-t", "tree", "--literally", "-w", "--stdin"]
    made = subprocess.run(command, input=raw, capture_output=True, check=True).stdout.decode().strip()
    commit = git(repository, "commit-tree", made, "-m", "evil").strip()
    git(repository, "update-ref", "HEAD", commit)
    fresh_workspace(repository, tmp_path / "deep" / "copy", BOUNDS)
    assert not any((tmp_path / "deep" / "copy").iterdir())
