"""The object store: read-only, verified, self-healing, and never losing what is only in a workspace."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from store_bench import Workshop

from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.errors import CorruptError, NotFoundError
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.objects import ObjectStore
from harnessgym_mcp.store.tree import TreeRefused, scan_tree

LIMITS = Limits()


@pytest.fixture
def objects(home: Home) -> ObjectStore:
    return ObjectStore(home.state)


def stored(objects: ObjectStore, digest: str) -> Path:
    path = objects.path(digest)
    assert path is not None
    return path


def test_an_added_tree_is_read_only_and_intact(objects: ObjectStore, shop: Workshop) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    path = stored(objects, tree.digest)
    assert objects.verify(tree.digest)
    assert {p.stat().st_mode & 0o222 for p in [path, *path.rglob("*")]} == {0}
    assert (path / "bin" / "serve.py").stat().st_mode & 0o111


def test_adding_again_changes_nothing(objects: ObjectStore, shop: Workshop) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    inode = stored(objects, tree.digest).stat().st_ino
    assert objects.add(shop.tree("one"), LIMITS) == tree
    assert stored(objects, tree.digest).stat().st_ino == inode


def test_an_unknown_tree_has_no_path_and_cannot_be_materialised(objects: ObjectStore, tmp_path: Path) -> None:
    assert objects.path("sha256:" + "0" * 64) is None
    assert not objects.verify("sha256:" + "0" * 64)
    with pytest.raises(NotFoundError):
        objects.materialise("sha256:" + "0" * 64, tmp_path / "x")
    assert set(os.listdir(tmp_path)) == {"workspace", "state"}


@pytest.mark.parametrize("damage", ["content", "extra", "cache", "mode", "missing"])
def test_damage_is_noticed_and_healed_by_adding_again(objects: ObjectStore, shop: Workshop, damage: str) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    path = stored(objects, tree.digest)
    for folder in (path, path / "bin"):
        folder.chmod(0o755)
    file = path / "plugin.json"
    file.chmod(0o644)
    if damage == "content":
        file.write_text("{}")
    elif damage == "extra":
        (path / "extra").write_text("")
    elif damage == "cache":
        (path / "__pycache__").mkdir()
        (path / "__pycache__" / "serve.cpython-311.pyc").write_bytes(b"planted")
    elif damage == "mode":
        file.chmod(0o755)
    else:
        file.unlink()
    assert not objects.verify(tree.digest)
    with pytest.raises(CorruptError):
        objects.materialise(tree.digest, shop.root / "copy")
    objects.add(shop.tree("one"), LIMITS)
    assert objects.verify(tree.digest)
    assert [p for p in path.parent.iterdir() if ".corrupt-" in p.name]


def test_tighter_limits_do_not_make_stored_trees_damaged(objects: ObjectStore, shop: Workshop) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    assert objects.verify(tree.digest)
    assert not objects.verify(tree.digest, replace(LIMITS, file_bytes=1))


def test_materialising_gives_a_writable_copy(objects: ObjectStore, shop: Workshop, tmp_path: Path) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    assert objects.materialise(tree.digest, tmp_path / "out") is None
    assert scan_tree(tmp_path / "out", LIMITS) == tree
    (tmp_path / "out" / "plugin.json").write_text("edited")
    assert objects.verify(tree.digest)


def test_materialising_removes_known_content_and_keeps_edited(
    objects: ObjectStore, shop: Workshop, tmp_path: Path
) -> None:
    one, two = objects.add(shop.tree("one"), LIMITS), objects.add(shop.tree("two"), LIMITS)
    out = tmp_path / "out" / "demo"
    out.parent.mkdir()
    objects.materialise(one.digest, out)
    assert objects.materialise(two.digest, out) is None
    assert os.listdir(out.parent) == ["demo"]
    (out / "plugin.json").write_text("edited")
    kept = objects.materialise(one.digest, out, aside=tmp_path / "aside")
    assert kept is not None
    assert kept.parent == tmp_path / "aside"
    assert (kept / "plugin.json").read_text() == "edited"
    assert scan_tree(out, LIMITS) == one
    assert os.listdir(out.parent) == ["demo"]


def test_a_repository_inside_is_somebodys_work_and_kept(objects: ObjectStore, shop: Workshop, tmp_path: Path) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    objects.materialise(tree.digest, tmp_path / "out")
    (tmp_path / "out" / ".git").mkdir()
    kept = objects.materialise(tree.digest, tmp_path / "out")
    assert kept is not None
    assert (kept / ".git").is_dir()


def test_a_link_in_place_of_the_target_is_replaced_and_not_followed(
    objects: ObjectStore, shop: Workshop, tmp_path: Path
) -> None:
    tree = objects.add(shop.tree("one"), LIMITS)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    (tmp_path / "out").symlink_to(tmp_path / "precious")
    objects.materialise(tree.digest, tmp_path / "out")
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "precious" / "file").read_text() == "x"


def test_a_copy_that_changes_before_it_is_sealed_is_refused(home: Home, shop: Workshop) -> None:
    def tamper(step: str) -> None:
        if step == "object copied":
            (new,) = (home.state / "objects").iterdir()
            (new / "planted.py").write_text("x")

    with pytest.raises(TreeRefused, match="not what was scanned"):
        ObjectStore(home.state, step=tamper).add(shop.tree("one"), LIMITS)
    assert os.listdir(home.state / "objects") == []


def test_several_processes_may_add_the_same_tree_at_once(home: Home, shop: Workshop) -> None:
    code = (
        "import sys; from pathlib import Path; from harnessgym_mcp.core.policy import Limits;"
        "from harnessgym_mcp.store.objects import ObjectStore;"
        "print(ObjectStore(Path(sys.argv[1])).add(Path(sys.argv[2]), Limits()).digest)"
    )
    args = [sys.executable, "-c", code, str(home.state), str(shop.tree("one"))]
    running = [subprocess.Popen(args, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {process.communicate(timeout=60)[0].strip() for process in running}
    assert printed == {shop.digest("one")}
    assert os.listdir(home.state / "objects") == [shop.digest("one").removeprefix("sha256:")]
