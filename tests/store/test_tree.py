"""Trees: the same content gives the same digest, and what must not be taken in is refused without being read."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from harnessgym_mcp.core.digest import sha256, tree_digest
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.store.tree import Tree, TreeRefused, copy_tree, scan_tree, survey

LIMITS = Limits()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "bin").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "bin" / "run").write_text("#!/bin/sh\n")
    (root / "bin" / "run").chmod(0o755)
    return root


def problems(root: Path, limits: Limits = LIMITS) -> list[tuple[str, str]]:
    with pytest.raises(TreeRefused) as caught:
        scan_tree(root, limits)
    return [(where, id) for where, id, _ in caught.value.problems]


def test_a_tree_lists_its_files_in_order_with_modes_and_digests(tree: Path) -> None:
    found = scan_tree(tree, LIMITS)
    assert [(f.path, f.executable, f.size) for f in found.files] == [("a.txt", False, 1), ("bin/run", True, 10)]
    assert found.files[0].sha256 == sha256(b"a")
    assert found.digest == tree_digest([("a.txt", False, sha256(b"a")), ("bin/run", True, sha256(b"#!/bin/sh\n"))])


def test_the_digest_sees_content_names_and_the_executable_bit(tree: Path) -> None:
    digests = {scan_tree(tree, LIMITS).digest}
    (tree / "a.txt").write_text("b")
    digests.add(scan_tree(tree, LIMITS).digest)
    (tree / "a.txt").chmod(0o755)
    digests.add(scan_tree(tree, LIMITS).digest)
    (tree / "a.txt").rename(tree / "b.txt")
    digests.add(scan_tree(tree, LIMITS).digest)
    assert len(digests) == 4


def test_caches_are_passed_over_and_private_things_are_told(tree: Path) -> None:
    before = scan_tree(tree, LIMITS)
    for path in ("__pycache__/x.pyc", "a.pyc", ".DS_Store", "node_modules/.cache/x", ".git/HEAD", ".a.swp", "a.txt~"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("x")
    after = scan_tree(tree, LIMITS)
    assert after.digest == before.digest
    assert set(after.skipped) == {".git", ".a.swp", "a.txt~"}
    assert survey(tree, LIMITS, strict=True)[0].digest != before.digest


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "a.txt", "missing", "bin"])
def test_symbolic_links_are_refused_wherever_they_lead(tree: Path, target: str) -> None:
    (tree / "link").symlink_to(target)
    assert problems(tree) == [("link", "symlink")]


def test_a_root_that_is_a_link_or_a_file_or_missing_is_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert problems(tmp_path / "link") == [(".", "not-a-folder")]
    assert problems(tree / "a.txt") == [(".", "not-a-folder")]
    with pytest.raises(NotFoundError):
        scan_tree(tmp_path / "missing", LIMITS)


def test_pipes_sockets_and_devices_are_refused_unopened(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tree / "fifo")
    monkeypatch.chdir(tree)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        expected = [("fifo", "special"), ("socket", "special")]
        if os.geteuid() == 0:
            os.mknod(tree / "null", 0o020666, os.makedev(1, 3))
            expected.insert(1, ("null", "special"))
        assert problems(tree) == expected


def test_setuid_and_setgid_files_are_refused(tree: Path) -> None:
    (tree / "bin" / "run").chmod(0o4755)
    (tree / "a.txt").chmod(0o2644)
    assert problems(tree) == [("a.txt", "setuid"), ("bin/run", "setuid")]


def test_a_hard_link_is_copied_as_content(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("shared")
    os.link(tmp_path / "outside", tree / "hard")
    copy_tree(tree, tmp_path / "copy", scan_tree(tree, LIMITS))
    assert (tmp_path / "copy" / "hard").read_text() == "shared"
    assert (tmp_path / "copy" / "hard").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("name", "id"),
    [(b"a\nb", "name"), (b"a\\b", "name"), (b"a\xff", "name"), (b"a\x1b[1m", "name"), (b"n" * 201, "name-long")],
)
def test_names_that_are_not_portable_are_refused(tree: Path, name: bytes, id: str) -> None:
    (Path(os.fsdecode(os.fsencode(tree) + b"/" + name))).write_text("x")
    assert [found for _, found in problems(tree)] == [id]


def test_names_that_some_file_system_takes_for_one_are_refused(tree: Path) -> None:
    (tree / "A.txt").write_text("")
    (tree / "caf\u00e9").write_text("")
    (tree / "cafe\u0301").write_text("")
    assert [id for _, id in problems(tree)] == ["collision", "collision"]


def test_limits_on_size_count_and_depth(tree: Path) -> None:
    assert problems(tree, replace(LIMITS, file_bytes=5)) == [("bin/run", "too-large")]
    assert problems(tree, replace(LIMITS, artifact_bytes=10)) == [("bin/run", "too-large")]
    assert problems(tree, replace(LIMITS, artifact_files=2)) == [("bin/run", "too-many")]
    assert problems(tree, replace(LIMITS, artifact_depth=0)) == [("bin/", "too-deep")]
    scan_tree(tree, replace(LIMITS, file_bytes=10, artifact_bytes=11, artifact_files=3, artifact_depth=1))


def test_a_survey_gives_what_is_good_of_a_refused_tree(tree: Path) -> None:
    whole = scan_tree(tree, LIMITS)
    (tree / "link").symlink_to("a.txt")
    good, refused = survey(tree, LIMITS)
    assert good == whole
    assert len(refused) == 1


def test_an_unreadable_file_is_a_problem_and_not_a_crash(tree: Path) -> None:
    os.mkfifo(tree / "x")
    (tree / "a.txt").unlink()
    os.rename(tree / "x", tree / "a.txt")
    assert problems(tree) == [("a.txt", "special")]


def test_a_copy_has_exactly_the_scanned_files(tree: Path, tmp_path: Path) -> None:
    scanned = scan_tree(tree, LIMITS)
    (tree / "later").write_text("not scanned")
    copy_tree(tree, tmp_path / "copy", scanned)
    assert scan_tree(tmp_path / "copy", LIMITS) == scanned


@pytest.mark.parametrize("swap", ["content", "longer", "link", "fifo", "folder-link", "gone"])
def test_a_tree_that_changes_after_the_scan_is_refused_while_copying(tree: Path, tmp_path: Path, swap: str) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "run").write_text("#!/bin/sh\n")
    scanned: Tree = scan_tree(tree, LIMITS)
    run = tree / "bin" / "run"
    if swap == "content":
        run.write_text("#!/bin/no\n")
    elif swap == "longer":
        run.write_text("#!/bin/sh\nrm -rf /\n")
    elif swap == "folder-link":
        run.parent.rename(tmp_path / "old-bin")
        (tree / "bin").symlink_to(tmp_path / "secret")
    else:
        run.unlink()
        if swap == "link":
            run.symlink_to(tmp_path / "secret" / "run")
        elif swap == "fifo":
            os.mkfifo(run)
    with pytest.raises(TreeRefused) as caught:
        copy_tree(tree, tmp_path / "copy", scanned)
    assert caught.value.problems[0][:2] == ("bin/run", "changed")


def test_an_inert_copy_neither_runs_nor_loads(tree: Path, tmp_path: Path) -> None:
    copy_tree(tree, tmp_path / "copy", scan_tree(tree, LIMITS), inert=True)
    copied = scan_tree(tmp_path / "copy", LIMITS)
    assert [(f.path, f.executable) for f in copied.files] == [
        ("a.txt.quarantined", False),
        ("bin/run.quarantined", False),
    ]
