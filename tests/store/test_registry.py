"""The registry on disk: one commit after the other, seen by all, rebuilt when damaged."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from store_bench import Workshop

from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.lifecycle import Registry, decode_registry
from harnessgym_mcp.errors import LockedError, NotFoundError, StateError
from harnessgym_mcp.store.atomic import locked
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.store.registry import RegistryStore

WRITER = """
import sys
from pathlib import Path
from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.lifecycle import Version
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.registry import RegistryStore
store = RegistryStore(Home.open(Path(sys.argv[1]), state=Path(sys.argv[2])), timeout=60)
for number in range(50):
    digest = "sha256:" + f"{int(sys.argv[3]) * 100 + number:064x}"
    store.update(lambda r: lifecycle.publish(r, f"demo-{sys.argv[3]}", Version(digest=digest)))
"""


def with_pin(registry: Registry, pinned: bool) -> Registry:
    return lifecycle.set_pinned(registry, "demo", pinned)


def test_a_missing_registry_is_empty(home: Home) -> None:
    assert RegistryStore(home).load() == Registry()
    assert not home.registry.exists()


def test_an_update_is_the_next_generation_and_seen_by_other_stores(stores: Stores, shop: Workshop) -> None:
    shop.publish(stores, "one")
    other = RegistryStore(stores.home)
    before = other.load()
    after = stores.registry.update(lambda r: with_pin(r, True))
    assert after.generation == before.generation + 1
    assert other.load() == after


def test_a_change_that_changes_nothing_is_no_commit(stores: Stores, shop: Workshop) -> None:
    registry = shop.publish(stores, "one")
    assert stores.registry.update(lambda r: with_pin(r, False)) == registry
    assert stores.registry.load().generation == registry.generation


def test_a_change_that_raises_writes_nothing(stores: Stores, shop: Workshop) -> None:
    before = shop.publish(stores, "one")
    with pytest.raises(NotFoundError):
        stores.registry.update(lambda r: lifecycle.archive(r, "nobody"))
    assert stores.registry.load() == before


def test_a_reader_never_misses_a_change_however_quick(stores: Stores, shop: Workshop) -> None:
    shop.publish(stores, "one")
    reader = RegistryStore(stores.home)
    for number in range(60):
        written = stores.registry.update(lambda r, n=number: with_pin(r, n % 2 == 0))
        assert reader.load().generation == written.generation


def test_a_file_that_changed_within_one_tick_of_its_clock_is_read_again(stores: Stores, shop: Workshop) -> None:
    shop.publish(stores, "one")
    file = stores.home.registry
    reader = RegistryStore(stores.home)
    before, times = reader.load(), file.stat()
    file.write_bytes(file.read_bytes().replace(b'"description": "one"', b'"description": "eno"'))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size
    assert reader.load() != before


def test_an_unchanged_file_is_read_only_once(stores: Stores, shop: Workshop) -> None:
    shop.publish(stores, "one")
    os.utime(stores.home.registry, (1000, 1000))
    reader = RegistryStore(stores.home)
    assert reader.load() is reader.load()


def test_four_processes_lose_no_update(home: Home) -> None:
    args = [sys.executable, "-c", WRITER, str(home.workspace), str(home.state)]
    running = [subprocess.Popen([*args, str(number)]) for number in range(4)]
    assert [process.wait(100) for process in running] == [0] * 4
    registry = RegistryStore(home).load()
    assert registry.generation == 200
    assert [len(a.versions) for a in registry.artifacts.values()] == [50] * 4


def test_a_registry_that_is_held_for_too_long_is_a_locked_error(home: Home) -> None:
    with locked(home.lock("registry"), 1), pytest.raises(LockedError):
        RegistryStore(home, timeout=0.01).update(lambda r: r)


@pytest.mark.parametrize("damage", ["cut", "empty", "merge", "binary", "no-utf-8", "hostile-name", "hostile-digest"])
def test_a_damaged_registry_is_set_aside_and_rebuilt(stores: Stores, shop: Workshop, damage: str) -> None:
    shop.publish(stores, "one", 1.0)
    before = shop.publish(stores, "two", 2.0)
    shop.reject(stores, "bad")
    whole = stores.home.registry.read_bytes()
    damaged = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "merge": b"<<<<<<< HEAD\n" + whole,
        "binary": b"\0" * 100,
        "no-utf-8": whole.replace(b'"demo"', b'"dem\xff"'),
        "hostile-name": whole.replace(b'"demo"', b'"../demo"'),
        "hostile-digest": whole.replace(shop.digest("one").encode(), b"sha256:../../../x"),
    }[damage]
    stores.home.registry.write_bytes(damaged)
    fresh = RegistryStore(stores.home)
    rebuilt = fresh.load()
    assert rebuilt.artifacts == before.artifacts
    assert [q.digest for q in rebuilt.quarantine] == [shop.digest("bad")]
    assert decode_registry(stores.home.registry.read_bytes()) == rebuilt
    aside = [p for p in stores.home.root.iterdir() if ".corrupt-" in p.name]
    assert [p.read_bytes() for p in aside] == [damaged]
    assert str(aside[0]) in fresh.notes[0]


def test_a_rebuilt_registrys_generation_grows_where_the_old_one_can_be_seen(stores: Stores, shop: Workshop) -> None:
    before = shop.publish(stores, "one")
    stores.home.registry.write_text(stores.home.registry.read_text()[:-20])
    assert RegistryStore(stores.home).load().generation > before.generation


def test_rebuilding_believes_only_this_machines_verdicts(stores: Stores, shop: Workshop, tmp_path: Path) -> None:
    shop.publish(stores, "one")
    stores.home.registry.write_text("{")
    clone = Home.open(stores.home.workspace, state=tmp_path / "another-machine")
    store = RegistryStore(clone)
    assert store.load().artifacts == {}
    assert any("qualified again" in note for note in store.notes)


def test_rebuilding_archives_what_is_not_in_generated(stores: Stores, shop: Workshop) -> None:
    from harnessgym_mcp.store.publish import archive

    shop.publish(stores, "one")
    archive(stores, "demo")
    stores.home.registry.write_text("{")
    assert RegistryStore(stores.home).load().artifacts["demo"].status == "archived"


def test_a_registry_of_a_newer_program_is_left_alone(home: Home) -> None:
    data = msgspec.json.encode({"schema": 99, "generation": 7, "future": True})
    home.registry.write_bytes(data)
    for attempt in (RegistryStore(home).load, lambda: RegistryStore(home).update(lambda r: r)):
        with pytest.raises(StateError, match="newer"):
            attempt()
    assert home.registry.read_bytes() == data
