import os

import pytest

from harnessgym_mcp.core.lifecycle import Registry
from harnessgym_mcp.store.publish import archive, restore
from harnessgym_mcp.store.skill_links import FOLDERS, link_skills


@pytest.fixture
async def linked(place):
    """A place with a server that has a skill, and a skill of its own."""
    for draft in (place.draft("adder"), place.draft("steps", kind="skill")):
        done = await place.submitter.submit(draft)
        assert done.verdict.qualified, done.verdict.errors
    return place


def links(place):
    return {
        f"{folder}/{p.name}": os.readlink(p)
        for folder in FOLDERS
        for p in sorted((place.workspace / folder).iterdir())
        if p.is_symlink()
    }


async def test_skills_are_linked_where_agents_look(linked):
    told = link_skills(linked.home, linked.registry)
    assert len(told) == 4
    assert links(linked)[".claude/skills/adder"] == "../../.harnessgym/generated/adder/skills/adder"
    for folder in FOLDERS:
        for skill in ("adder", "steps"):
            assert f"name: {skill}" in (linked.workspace / folder / skill / "SKILL.md").read_text()
    assert link_skills(linked.home, linked.registry) == []


async def test_links_follow_the_lives_of_artifacts(linked):
    link_skills(linked.home, linked.registry)
    archive(linked.stores, "steps")
    assert [t for t in link_skills(linked.home, linked.registry) if "removed" in t and "steps" in t]
    assert {name.rpartition("/")[2] for name in links(linked)} == {"adder"}
    restore(linked.stores, "steps")
    link_skills(linked.home, linked.registry)
    assert {name.rpartition("/")[2] for name in links(linked)} == {"adder", "steps"}
    link_skills(linked.home, Registry())
    assert links(linked) == {}


async def test_what_is_not_ours_is_kept(linked, tmp_path):
    own = linked.workspace / ".claude/skills"
    (own / "adder").mkdir(parents=True)
    (own / "adder" / "SKILL.md").write_text("mine")
    (own / "elsewhere").symlink_to(tmp_path)
    (own / "steps").symlink_to("../nowhere")
    told = link_skills(linked.home, linked.registry)
    assert (own / "adder" / "SKILL.md").read_text() == "mine"
    assert os.readlink(own / "elsewhere") == str(tmp_path)
    assert os.readlink(own / "steps") == "../nowhere"
    assert sum("kept" in t for t in told) == 2


async def test_a_stale_link_of_ours_is_mended(linked):
    folder = linked.workspace / ".agents/skills"
    folder.mkdir(parents=True)
    (folder / "adder").symlink_to("../../.harnessgym/generated/gone/skills/adder")
    (folder / "gone").symlink_to("../../.harnessgym/generated/gone/skills/gone")
    link_skills(linked.home, linked.registry)
    assert links(linked)[".agents/skills/adder"].endswith("generated/adder/skills/adder")
    assert not (folder / "gone").is_symlink()


async def test_an_edited_skill_is_not_linked(linked):
    skill = linked.home.generated("steps") / "skills/steps/SKILL.md"
    skill.write_text(skill.read_text() + "\nmore\n")
    told = link_skills(linked.home, linked.registry)
    assert "steps" not in {name.rpartition("/")[2] for name in links(linked)}
    assert any("steps" in t and "not linked" in t for t in told)


async def test_a_skill_without_a_verdict_of_this_machine_is_not_linked(linked, make_place, tmp_path):
    stranger = type(linked.home)(linked.workspace, linked.home.root, tmp_path / "other state")
    told = link_skills(stranger, linked.registry)
    assert len([t for t in told if "not linked" in t]) == 2
    assert not (linked.workspace / ".claude").exists()


async def test_nothing_is_written_through_a_symbolic_link(linked, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (linked.workspace / ".claude").symlink_to(outside)
    told = link_skills(linked.home, linked.registry)
    assert list(outside.iterdir()) == []
    assert any(".claude/skills is not touched" in t for t in told)
