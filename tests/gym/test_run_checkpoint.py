"""States of a workspace: kept whole, put back exactly, and nothing lost on the way."""

import os
from pathlib import Path

import pytest

from harnessgym_mcp.core.policy import Loop
from harnessgym_mcp.errors import CorruptError, StateError
from harnessgym_mcp.gym.checkpoint import Checkpoints
from harnessgym_mcp.gym.workspace_state import put_back


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A workspace with what workspaces have."""
    work = tmp_path / "work"
    for path, text in {
        "a.py": "one", "lib/shipped.so": "binary", "lib/deep/b.txt": "two",
        ".git/HEAD": "ref", ".harnessgym/registry.json": "{}", "__pycache__/a.pyc": "cache",
    }.items():  # fmt: skip
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    (work / "a.py").chmod(0o755)
    (work / "empty").mkdir()
    (work / "link").symlink_to("lib/deep")
    (work / os.fsdecode(b"odd\xff name")).write_text("bytes")
    return work


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run", Loop())


def listing(work: Path) -> dict[str, str]:
    found = {}
    for path in sorted(work.rglob("*")):
        name = str(path.relative_to(work))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = "folder" if path.is_dir() else path.read_text() + oct(path.stat().st_mode & 0o777)
    return found


def test_a_state_is_put_back_exactly_and_what_was_in_its_way_is_kept(work, checkpoints, tmp_path):
    snapshot, before = checkpoints.capture("s", work), listing(work)
    (work / "a.py").write_text("changed")
    (work / "a.py").chmod(0o644)
    (work / "lib/shipped.so").unlink()
    (work / "link").unlink()
    (work / "link").write_text("now a file")
    (work / "new/deeper").mkdir(parents=True)
    (work / "new/deeper/c.txt").write_text("created since")
    (work / "empty").rmdir()
    (work / "empty").write_text("a file in a folder's place")
    aside = tmp_path / "aside"
    change = put_back(work, snapshot, checkpoints, aside)
    assert listing(work) == before
    assert sorted(change.aside) == ["a.py", "empty", "link", "new/deeper/c.txt"]
    assert (aside / "a.py").read_text() == "changed"
    assert (aside / "new/deeper/c.txt").read_text() == "created since"
    assert put_back(work, snapshot, checkpoints, aside).written == 0


def test_what_is_left_alone_is_neither_kept_nor_touched(work, checkpoints, tmp_path):
    snapshot = checkpoints.capture("s", work)
    assert not [e.path for e in snapshot.entries if ".git" in e.path or "pycache" in e.path or "harnessgym" in e.path]
    (work / ".git/HEAD").write_text("later")
    (work / "new/__pycache__").mkdir(parents=True)
    (work / "new/__pycache__/x.pyc").write_text("cache")
    change = put_back(work, snapshot, checkpoints, tmp_path / "aside")
    assert change.aside == ()
    assert (work / ".git/HEAD").read_text() == "later"
    assert (work / "new/__pycache__/x.pyc").exists()


def test_a_folder_turned_into_a_link_never_leads_a_write_outside(work, checkpoints, tmp_path):
    snapshot = checkpoints.capture("s", work)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (work / "lib").rename(tmp_path / "gone")
    (work / "lib").symlink_to(outside)
    put_back(work, snapshot, checkpoints, tmp_path / "aside")
    assert (work / "lib/deep/b.txt").read_text() == "two"
    assert not (work / "lib").is_symlink()
    assert list(outside.rglob("*")) == [outside / "deep"]


def test_pipes_are_passed_over_and_told(work, checkpoints):
    os.mkfifo(work / "pipe")
    assert checkpoints.capture("s", work).skipped == ["pipe"]


def test_a_copy_elsewhere_is_equal(work, checkpoints, tmp_path):
    snapshot = checkpoints.capture("s", work)
    checkpoints.unfold(snapshot, tmp_path / "copy")
    assert checkpoints.capture("copy", tmp_path / "copy").digest == snapshot.digest
    (tmp_path / "copy/a.py").write_text("other")
    assert checkpoints.capture("copy", tmp_path / "copy").digest != snapshot.digest


def test_a_folder_that_is_to_be_left_alone_is(work, tmp_path):
    checkpoints = Checkpoints(tmp_path / "run", Loop(), frozenset({work / "lib"}))
    assert not [e.path for e in checkpoints.capture("s", work).entries if e.path.startswith("lib")]


@pytest.mark.parametrize("bounds", [Loop(snapshot_files=3), Loop(snapshot_bytes=5)])
def test_a_workspace_beyond_the_bounds_is_refused(work, tmp_path, bounds):
    with pytest.raises(StateError, match="more than"):
        Checkpoints(tmp_path / "run", bounds).capture("s", work)


def test_a_damaged_snapshot_is_told(work, checkpoints, tmp_path):
    checkpoints.capture("s", work)
    (tmp_path / "run/snapshots/s.json").write_text("{")
    with pytest.raises(CorruptError):
        checkpoints.load("s")


def test_a_damaged_content_is_told_and_not_put_back(work, checkpoints, tmp_path):
    snapshot = checkpoints.capture("s", work)
    entry = next(e for e in snapshot.entries if e.path == "a.py")
    checkpoints.blob(entry).write_text("rot")
    (work / "a.py").unlink()
    with pytest.raises(CorruptError, match=r"a\.py"):
        put_back(work, snapshot, checkpoints, tmp_path / "aside")
    assert not (work / "a.py").exists()
