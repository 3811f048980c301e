import os

from harnessgym_mcp.core.lifecycle import Registry
from harnessgym_mcp.store.publish import archive, restore
from harnessgym_mcp.store.skill_links import FOLDERS, link_skills


def links(place):
    return {
        f"{folder}/{p.name}": os.readlink(p)
        for folder in FOLDERS
        for p in sorted((place.workspace / folder).iterdir())
        if p.is_symlink()
    }


async def test_skills_are_linked_where_agents_look(filled):
    told = link_skills(filled.home, filled.registry)
    assert len(told) == 4
    assert links(filled)[".claude/skills/adder"] == "../../.harnessgym/generated/adder/skills/adder"
    for folder in FOLDERS:
        for skill in ("adder", "steps"):
            assert f"name: {skill}" in (filled.workspace / folder / skill / "SKILL.md").read_text()
    assert link_skills(filled.home, filled.registry) == []


async def test_links_follow_the_lives_of_artifacts(filled):
    link_skills(filled.home, filled.registry)
    archive(filled.stores, "steps")
    assert [t for t in link_skills(filled.home, filled.registry) if "removed" in t and "steps" in t]
    assert {name.rpartition("/")[2] for name in links(filled)} == {"adder"}
    restore(filled.stores, "steps")
    link_skills(filled.home, filled.registry)
    assert {name.rpartition("/")[2] for name in links(filled)} == {"adder", "steps"}
    link_skills(filled.home, Registry())
    assert links(filled) == {}


async def test_what_is_not_ours_is_kept(filled, tmp_path):
    own = filled.workspace / ".claude/skills"
    (own / "adder").mkdir(parents=True)
    (own / "adder" / "SKILL.md").write_text("mine")
    (own / "elsewhere").symlink_to(tmp_path)
    (own / "steps").symlink_to("../nowhere")
    told = link_skills(filled.home, filled.registry)
    assert (own / "adder" / "SKILL.md").read_text() == "mine"
    assert os.readlink(own / "elsewhere") == str(tmp_path)
    assert os.readlink(own / "steps") == "../nowhere"
    assert sum("kept" in t for t in told) == 2


async def test_a_stale_link_of_ours_is_mended(filled):
    folder = filled.workspace / ".agents/skills"
    folder.mkdir(parents=True)
    (folder / "adder").symlink_to("../../.harnessgym/generated/gone/skills/adder")
    (folder / "gone").symlink_to("../../.harnessgym/generated/gone/skills/gone")
    link_skills(filled.home, filled.registry)
    assert links(filled)[".agents/skills/adder"].endswith("generated/adder/skills/adder")
    assert not (folder / "gone").is_symlink()


async def test_an_edited_skill_is_not_linked(filled):
    skill = filled.home.generated("steps") / "skills/steps/SKILL.md"
    skill.write_text(skill.read_text() + "\nmore\n")
    told = link_skills(filled.home, filled.registry)
    assert "steps" not in {name.rpartition("/")[2] for name in links(filled)}
    assert any("steps" in t and "not linked" in t for t in told)


async def test_a_skill_without_a_verdict_of_this_machine_is_not_linked(filled, make_place, tmp_path):
    stranger = type(filled.home)(filled.workspace, filled.home.root, tmp_path / "other state")
    told = link_skills(stranger, filled.registry)
    assert len([t for t in told if "not linked" in t]) == 2
    assert not (filled.workspace / ".claude").exists()


async def test_nothing_is_written_through_a_symbolic_link(filled, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (filled.workspace / ".claude").symlink_to(outside)
    told = link_skills(filled.home, filled.registry)
    assert list(outside.iterdir()) == []
    assert any(".claude/skills is not touched" in t for t in told)
