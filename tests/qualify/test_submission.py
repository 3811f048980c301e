import json
import time

import pytest

from harnessgym_mcp.core.iteration import Iteration, open_of, open_slot
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore
from harnessgym_mcp.store.publish import Stores

BROKEN = {"server.py": "raise SystemExit('broken on purpose')\n"}


@pytest.fixture
def home(tmp_path, state):
    (tmp_path / "workspace").mkdir()
    return Home.open(tmp_path / "workspace", None, state / "shared")


@pytest.fixture
def submitter(home):
    return Submitter(Stores.open(home), Policy())


def _slot(home, name="adder"):
    iteration = Iteration(id="s-1", session="s", name=name, opened_at=time.time())
    IterationStore(home).update(lambda iterations: open_slot(iterations, iteration))
    return iteration


def _open(home):
    return open_of(IterationStore(home).read(), "s")


async def test_a_qualified_draft_is_published_and_closes_its_slot(home, submitter, build):
    done = await submitter.submit(build(), iteration=_slot(home))
    version = Stores.open(home).registry.load().artifacts["adder"].version
    assert done.verdict.qualified
    assert (version.iteration, version.tier, [t["name"] for t in version.tools]) == ("s-1", "A", ["add-up"])
    assert (home.generated("adder") / "server.py").exists()
    assert _open(home) is None
    assert IterationStore(home).read()[0].state == "qualified"


async def test_repairs_are_counted_and_then_it_is_quarantined(home, submitter, build):
    slot = _slot(home)
    steps = []
    for number in range(3):
        draft = build(files={"server.py": f"raise SystemExit({number})\n"})
        done = await submitter.submit(draft, iteration=_open(home) or slot)
        steps.append((done.repair, done.repairs, done.final, (_open(home) is not None)))
    assert steps == [(1, 2, False, True), (2, 2, False, True), (0, 2, True, False)]
    assert IterationStore(home).read()[0].state == "quarantined"
    assert len(Stores.open(home).registry.load().quarantine) == 3
    assert (home.root / "quarantine" / "adder").is_dir()


async def test_a_failing_upgrade_leaves_the_old_version(home, submitter, build):
    await submitter.submit(build())
    before = Stores.open(home).registry.load().artifacts["adder"].current
    done = await submitter.submit(build(files=BROKEN))
    assert (done.verdict.status, done.final) == ("rejected", True)
    assert Stores.open(home).registry.load().artifacts["adder"].current == before


async def test_a_draft_of_another_name_than_the_slots_is_rejected(home, submitter, build):
    done = await submitter.submit(build("other"), iteration=_slot(home))
    assert [f.id for f in done.verdict.errors] == ["intake.artifact-name"]
    assert done.name == "adder"


async def test_an_extension_by_another_name_stands_beside_what_it_extends(home, submitter, build):
    await submitter.submit(build())
    done = await submitter.submit(build("adder-two", extends="adder"))
    artifacts = Stores.open(home).registry.load().artifacts
    assert done.verdict.qualified, done.verdict.findings
    assert sorted(artifacts) == ["adder", "adder-two"]
    assert artifacts["adder-two"].extends == "adder"


async def test_the_same_tool_by_another_artifact_is_refused(home, submitter, build):
    await submitter.submit(build())
    done = await submitter.submit(build("adder-two"))
    assert [f.id for f in done.verdict.errors] == ["boot.duplicate"]


async def test_names_that_a_client_would_merge_are_refused(home, submitter, build):
    await submitter.submit(build("ad-der"))
    done = await submitter.submit(build("ad.der"))
    assert "intake.name-collision" in [f.id for f in done.verdict.errors]


async def test_an_illegal_name_still_leaves_evidence(home, submitter, build):
    draft = build()
    plugin = json.loads((draft / "plugin.json").read_text())
    (draft / "plugin.json").write_text(json.dumps({**plugin, "name": "../../etc"}))
    done = await submitter.submit(draft)
    assert "intake.artifact-name" in [f.id for f in done.verdict.errors]
    assert done.evidence.startswith(str(home.root / "quarantine" / "unnamed"))


async def test_tier_d_promotes_nothing_unless_a_person_allows_it(home, build):
    strict = Submitter(Stores.open(home), Policy().override({"isolation.tier": "D"}))
    slot = _slot(home)
    done = await strict.submit(build(), iteration=slot)
    assert [f.id for f in done.verdict.errors] == ["isolation.unconfined"]
    assert (done.final, done.evidence, _open(home) is not None) == (False, "", True)
    lax = Submitter(Stores.open(home), Policy().override({"isolation.tier": "D", "isolation.allow_unconfined": True}))
    done = await lax.submit(build(), iteration=slot)
    assert done.verdict.qualified, done.verdict.findings


async def test_a_tree_edited_by_hand_is_judged_and_published(home, submitter, build):
    await submitter.submit(build())
    server = home.generated("adder") / "server.py"
    server.write_text(server.read_text() + "\n# edited\n")
    assert await submitter.requalify("adder", home.generated("adder")) == ""
    assert len(Stores.open(home).registry.load().artifacts["adder"].versions) == 2


async def test_a_spoilt_edit_is_told_and_the_old_version_stays(home, submitter, build):
    await submitter.submit(build())
    before = Stores.open(home).registry.load().artifacts["adder"].current
    (home.generated("adder") / "server.py").write_text(BROKEN["server.py"])
    assert "boot.exited" in await submitter.requalify("adder", home.generated("adder"))
    assert Stores.open(home).registry.load().artifacts["adder"].current == before
