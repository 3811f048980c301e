"""Verdicts: signed by this machine, believed from nobody else."""

import base64
import json
from pathlib import Path

import pytest
from store_bench import Workshop

from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.verdicts import Published, VerdictStore


def file_of(home: Home, digest: str, folder: str = "verdicts") -> Path:
    return home.state / folder / f"{digest.removeprefix('sha256:')}.json"


def test_a_saved_verdict_is_read_back_by_another_process_of_the_machine(home: Home, shop: Workshop) -> None:
    verdict = shop.verdict("one")
    VerdictStore(home.state).save(verdict)
    store = VerdictStore(home.state)
    assert store.load(verdict.digest) == verdict
    assert not store.tampered(verdict.digest)
    assert (home.state / "machine.key").stat().st_mode & 0o777 == 0o600
    assert len((home.state / "machine.key").read_bytes()) == 32


def test_a_missing_verdict_is_none_and_not_tampered(home: Home, shop: Workshop) -> None:
    store = VerdictStore(home.state)
    assert store.load(shop.digest("one")) is None
    assert not store.tampered(shop.digest("one"))
    assert not (home.state / "machine.key").exists()


def test_the_file_is_a_dsse_envelope_around_an_in_toto_statement(home: Home, shop: Workshop) -> None:
    verdict = shop.verdict("one")
    VerdictStore(home.state).save(verdict)
    envelope = json.loads(file_of(home, verdict.digest).read_bytes())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert set(envelope["signatures"][0]) == {"keyid", "sig"}
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "demo", "digest": {"sha256": verdict.digest.removeprefix("sha256:")}}]
    assert set(statement["predicate"]) >= {"isolation", "pins", "stages", "policy", "result"}


@pytest.mark.parametrize("forgery", ["payload", "signature", "garbage", "moved"])
def test_a_changed_or_moved_verdict_is_not_believed_and_told(home: Home, shop: Workshop, forgery: str) -> None:
    store = VerdictStore(home.state)
    bad = shop.verdict("bad", "rejected")
    store.save(bad)
    file = file_of(home, bad.digest)
    envelope = json.loads(file.read_bytes())
    if forgery == "payload":
        payload = base64.b64decode(envelope["payload"]).replace(b'"rejected"', b'"qualified"')
        envelope["payload"] = base64.b64encode(payload).decode()
    elif forgery == "signature":
        envelope["signatures"][0]["sig"] = base64.b64encode(b"x" * 32).decode()
    file.write_text("garbage" if forgery == "garbage" else json.dumps(envelope))
    if forgery == "moved":
        store.save(shop.verdict("good"))
        file.write_bytes(file_of(home, shop.digest("good")).read_bytes())
    assert store.load(bad.digest) is None
    assert store.tampered(bad.digest)


def test_another_machines_verdict_is_not_believed_but_not_tampered(home: Home, shop: Workshop, tmp_path: Path) -> None:
    other = Home.open(tmp_path / "ws2", state=tmp_path / "state2")
    VerdictStore(other.state).save(shop.verdict("one"))
    VerdictStore(home.state).save(shop.verdict("two"))
    file_of(home, shop.digest("one")).write_bytes(file_of(other, shop.digest("one")).read_bytes())
    assert VerdictStore(home.state).load(shop.digest("one")) is None
    assert not VerdictStore(home.state).tampered(shop.digest("one"))


def test_a_version_record_cannot_stand_in_for_a_verdict(home: Home, shop: Workshop) -> None:
    store = VerdictStore(home.state)
    store.save_version(Published(name="demo", kind="server", version=shop.version("one"), homes=["/h"]))
    file_of(home, shop.digest("one")).write_bytes(file_of(home, shop.digest("one"), "versions").read_bytes())
    assert store.load(shop.digest("one")) is None


def test_a_damaged_key_is_set_aside_and_old_verdicts_count_no_longer(home: Home, shop: Workshop) -> None:
    VerdictStore(home.state).save(shop.verdict("one"))
    (home.state / "machine.key").write_bytes(b"short")
    store = VerdictStore(home.state)
    assert store.load(shop.digest("one")) is None
    store.save(shop.verdict("two"))
    assert store.load(shop.digest("two")) is not None
    assert "set aside" in store.notes[0]


def test_versions_are_kept_for_each_home_oldest_first(home: Home, shop: Workshop) -> None:
    store = VerdictStore(home.state)
    for word, at, where in (("new", 2.0, "/h"), ("old", 1.0, "/h"), ("new", 2.0, "/other"), ("foreign", 3.0, "/other")):
        store.save_version(Published(name="demo", kind="server", version=shop.version(word, at), homes=[where]))
    assert [p.version.description for p in store.versions_of(Path("/h"))] == ["old", "new"]
    assert [p.version.description for p in store.versions_of(Path("/other"))] == ["new", "foreign"]
