"""One artifact per iteration, and the registry's transitions."""

import pytest

from harnessgym_mcp.core import lifecycle
from harnessgym_mcp.core.iteration import Attempt, Iteration, close_slot, open_of, open_slot, record_attempt
from harnessgym_mcp.core.lifecycle import Quarantined, Registry, Version
from harnessgym_mcp.errors import NotFoundError, SlotError


def iteration(id="1", session="s", **more):
    return Iteration(id=id, session=session, name="x", **more)


def test_a_second_slot_is_refused_until_the_first_is_closed():
    held = open_slot([], iteration())
    with pytest.raises(SlotError):
        open_slot(held, iteration("2"))
    assert open_of(open_slot(held, iteration("3", "other")), "other").id == "3"
    closed = close_slot(held, "1", "qualified", at=5.0)
    assert open_of(closed, "s") is None
    assert open_of(open_slot(closed, iteration("2")), "s").id == "2"


def test_a_labelled_step_has_one_artifact_even_in_another_session():
    used = close_slot(open_slot([], iteration(run="r", step="1")), "1", "abandoned", at=1.0)
    with pytest.raises(SlotError):
        open_slot(used, iteration("2", "fresh", run="r", step="1"))
    assert len(open_slot(used, iteration("2", "fresh", run="r", step="2"))) == 2


def test_rejections_are_counted_by_iteration():
    held = open_slot([], iteration())
    for status in ("rejected", "qualified", "rejected"):
        held = record_attempt(held, "1", Attempt(digest="d", status=status, at=1.0))
    assert held[0].rejections == 2


def version(digest, at=0.0):
    return Version(digest=digest, published_at=at)


def test_publish_rollback_archive_and_restore():
    registry = lifecycle.publish(lifecycle.publish(Registry(), "a", version("sha256:11")), "a", version("sha256:22"))
    assert registry.artifacts["a"].current == "sha256:22"
    assert lifecycle.rollback(registry, "a").artifacts["a"].current == "sha256:11"
    assert lifecycle.rollback(registry, "a", "11").artifacts["a"].current == "sha256:11"
    with pytest.raises(NotFoundError):
        lifecycle.rollback(registry, "a", "99")
    archived = lifecycle.archive(registry, "a")
    assert archived.artifacts["a"].status == "archived"
    assert lifecycle.restore(archived, "a").artifacts["a"].status == "active"


def test_a_pinned_artifact_keeps_its_version():
    registry = lifecycle.set_pinned(lifecycle.publish(Registry(), "a", version("sha256:11")), "a", True)
    registry = lifecycle.publish(registry, "a", version("sha256:22"))
    assert registry.artifacts["a"].current == "sha256:11"
    assert len(registry.artifacts["a"].versions) == 2


def test_quarantine_is_hidden_history_once_the_name_has_qualified():
    registry = lifecycle.quarantine(Registry(), Quarantined(name="a", digest="sha256:00", reason="r", at=1.0))
    assert [q.name for q in lifecycle.hidden(registry)] == ["a"]
    later = lifecycle.publish(registry, "a", version("sha256:11", at=2.0))
    assert lifecycle.hidden(later) == []
    assert len(later.quarantine) == 1


def test_a_registry_survives_being_written_and_read():
    registry = lifecycle.publish(Registry(), "a", version("sha256:11"))
    assert lifecycle.decode_registry(lifecycle.encode_registry(registry)) == registry
