"""Pins, staleness, pruning, and the repair of what was rejected."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ended import ended_as

from harnessgym_mcp.core.lifecycle import forget, history
from harnessgym_mcp.core.policy import Policy, Telemetry
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.qualify.pruning import plan, prune
from harnessgym_mcp.store.idleness import idle_sessions
from harnessgym_mcp.store.publish import Stores, archive, restore, rollback
from harnessgym_mcp.store.telemetry import TelemetryWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
from calls_bench import event
from store_bench import Workshop

BROKEN = "raise SystemExit('broken on purpose')\n"
NOW = Policy().override({"lifecycle.prune_age": 0, "lifecycle.keep_versions": 1})


@pytest.fixture
def shop(tmp_path):
    return Workshop(tmp_path / "sources")


@pytest.fixture
def own(make_place, tmp_path):
    """A place with a state folder of its own, since objects are the machine's."""
    from harnessgym_mcp.store.home import Home

    workspace = tmp_path / "own" / "workspace"
    workspace.mkdir(parents=True)
    return Stores.open(Home.open(workspace, None, tmp_path / "own" / "state"))


# ---- pins


async def test_a_pinned_artifact_is_held_and_let_go(place):
    assert (await place.submitter.submit(place.draft("adder"))).verdict.qualified
    first = place.registry.artifacts["adder"].current
    assert place.run("pin", "adder")[1]["pinned"] is True
    code, told = place.run("submit", str(place.draft("adder", {"notes.txt": "new"})))
    assert (code, "pinned" in told["notes"][0]) == (0, True)
    assert place.registry.artifacts["adder"].current == first
    assert "pinned" in place.say("list")
    assert "rollback adder" in place.say("unpin", "adder")
    assert place.run("submit", str(place.draft("adder", {"notes.txt": "newer"})))[0] == 0
    assert place.registry.artifacts["adder"].current != first
    assert place.run("pin", "nothing")[0] == 3


# ---- staleness


def called(home, *calls):
    writer = TelemetryWriter(home, Telemetry(flush=0.001), ended_as)
    for at, session, artifact in calls:
        writer.put(event(at=at, session=session, artifact=artifact))
    assert writer.close(10) == 0


def test_sessions_without_a_call_are_counted_since_the_last_one(own, shop):
    for name in ("used", "idle"):
        shop.publish(own, name, 10.0, name=name)
    artifacts = own.registry.load().artifacts.values()
    assert idle_sessions(own.home, artifacts) == {"used": 0, "idle": 0}
    called(
        own.home,
        (5.0, "before", "used"),
        (11.0, "a", "used"),
        (12.0, "a", "used"),
        (13.0, "b", "used"),
        (14.0, "b", "idle"),
        (15.0, "b", "used"),
        (16.0, "c", "used"),
        (17.0, "d", "used"),
    )
    assert idle_sessions(own.home, artifacts) == {"used": 0, "idle": 2}
    called(own.home, (18.0, "e", "other"))
    assert idle_sessions(own.home, artifacts) == {"used": 1, "idle": 3}


async def test_a_stale_artifact_is_shown_as_such(place):
    assert (await place.submitter.submit(place.draft("adder"))).verdict.qualified
    later = time.time() + 10
    called(place.home, *[(later + n, f"s{n}", "other") for n in range(3)])
    for limit, stale in ((3, True), (4, False)):
        words = ("--set", f"lifecycle.stale_sessions={limit}")
        listed = place.run("list", *words)[1]["artifacts"][0]
        assert (listed["stale"], listed["idle_sessions"]) == (stale, 3)
        told = place.run("stats", *words)[1]["artifacts"][0]
        assert (told["stale"], told["idle_sessions"]) == (stale, 3)
        assert ("stale" in place.say("list", *words)) is stale


# ---- pruning


def kinds(items):
    return sorted((i.kind, i.name, i.chosen) for i in items)


def test_nothing_is_pruned_of_what_is_in_use(own, shop):
    shop.publish(own, "one", 1.0)
    shop.publish(own, "two", 2.0)
    shop.reject(own, "bad")
    assert plan(own, NOW) == []
    assert plan(own, NOW, ["demo"]) == []


def test_left_over_trees_go_and_young_ones_stay(own, shop, tmp_path):
    left = own.objects.add(shop.tree("stray"), own.limits)
    shop.publish(own, "one", 1.0)
    assert plan(own, Policy()) == []
    items = plan(own, NOW)
    assert kinds(items) == [("object", "", True)]
    assert prune(own, NOW, items) == []
    assert own.objects.path(left.digest) is None
    assert own.objects.verify(own.registry.load().artifacts["demo"].current)
    assert plan(own, NOW) == []


def test_a_damaged_copy_that_was_set_aside_goes(own, shop):
    shop.publish(own, "one", 1.0)
    path = own.objects.path(own.registry.load().artifacts["demo"].current)
    aside = path.with_name(path.name + ".corrupt-20200101T000000Z")
    aside.mkdir()
    assert [(i.kind, i.path) for i in plan(own, NOW)] == [("object", str(aside))]


def test_old_versions_go_only_when_their_artifact_is_named(own, shop):
    for n, name in enumerate(("one", "two", "three", "four")):
        shop.publish(own, name, float(n))
    digests = [v.digest for v in own.registry.load().artifacts["demo"].versions]
    items = plan(own, NOW)
    assert [(i.kind, i.digest, i.chosen) for i in items] == [("version", d, False) for d in digests[:2]]
    prune(own, NOW, items)
    assert len(own.registry.load().artifacts["demo"].versions) == 4
    prune(own, NOW, plan(own, NOW, ["demo"]))
    assert [v.digest for v in own.registry.load().artifacts["demo"].versions] == digests[2:]
    assert [own.objects.path(d) is None for d in digests] == [True, True, False, False]


def test_the_current_version_is_kept_however_old(own, shop):
    for n, name in enumerate(("one", "two", "three", "four")):
        shop.publish(own, name, float(n))
    first = own.registry.load().artifacts["demo"].versions[0].digest
    rollback(own, "demo", first[7:19])
    prune(own, NOW, plan(own, NOW, ["demo"]))
    artifact = own.registry.load().artifacts["demo"]
    assert (artifact.current, len(artifact.versions)) == (first, 2)
    assert forget(own.registry.load(), "demo", {first}).artifacts["demo"].current == first


def test_an_archived_artifact_goes_whole_when_it_is_named(own, shop):
    shop.publish(own, "one", 1.0)
    archive(own, "demo")
    assert plan(own, NOW) == []
    items = plan(own, NOW, ["demo"])
    assert kinds(items) == [("artifact", "demo", True)]
    prune(own, NOW, items)
    assert own.registry.load().artifacts == {}
    with pytest.raises(NotFoundError):
        restore(own, "demo")


def test_evidence_goes_when_its_name_has_qualified_since(own, shop):
    shop.reject(own, "bad")
    assert plan(own, NOW) == []
    shop.publish(own, "good", time.time() + 1)
    (item,) = plan(own, NOW)
    assert (item.kind, item.name, item.bytes > 0) == ("evidence", "demo", True)
    prune(own, NOW, [item])
    assert (own.registry.load().quarantine, list((own.home.root / "quarantine").iterdir())) == ([], [])


def test_versions_of_another_workspace_are_needed_until_it_is_gone(own, shop, tmp_path):
    from harnessgym_mcp.store.home import Home

    (tmp_path / "second").mkdir()
    second = Stores.open(Home.open(tmp_path / "second", None, own.home.state))
    shop.publish(second, "one", 1.0)
    digest = second.registry.load().artifacts["demo"].current
    assert plan(own, NOW) == []
    second.home.registry.write_text("damaged")
    assert plan(own, NOW) == []
    shutil.rmtree(tmp_path / "second")
    (item,) = plan(own, NOW)
    assert (item.kind, item.digest, item.chosen) == ("object", digest, False)
    prune(own, NOW, [item])
    assert own.objects.path(digest)
    prune(own, NOW, plan(own, NOW, [digest[7:17]]))
    assert own.objects.path(digest) is None


def test_unused_environments_go(own, shop):
    shop.publish(own, "one", 1.0)
    folder = own.home.state / "environments"
    for name in ("aaaa", ".bbbb.new"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x")
    items = plan(own, NOW)
    assert [(i.kind, Path(i.path).name, i.why) for i in items] == [
        ("environment", ".bbbb.new", "half-built"),
        ("environment", "aaaa", "no version needs these packages, or not for this Python"),
    ]
    prune(own, NOW, items)
    assert [p.name for p in folder.iterdir() if p.is_dir()] == []


def test_an_environment_that_a_process_uses_stays(own):
    folder = own.home.state / "environments" / "c0ffee00c0ffee00c0ffee00"
    folder.mkdir(parents=True)
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("only /proc tells what is in use")
    user = subprocess.Popen([sys.executable, "-c", "input()", str(folder)], stdin=subprocess.PIPE)
    try:
        assert plan(own, NOW) == []
    finally:
        user.communicate()
    assert len(plan(own, NOW)) == 1


async def test_prune_removes_only_with_yes_and_without_dry_run(place):
    assert (await place.submitter.submit(place.draft("adder"))).verdict.qualified
    assert not (await place.submitter.submit(place.draft("adder", {"server.py": BROKEN}))).verdict.qualified
    assert (await place.submitter.submit(place.draft("adder", {"server.py": BROKEN, "n.txt": "x"}))).final
    done = await place.submitter.submit(place.draft("adder", {"server.py": _adder(), "n.txt": "y"}))
    assert done.verdict.qualified
    for words in ((), ("--dry-run",), ("--dry-run", "--yes")):
        code, told = place.run("prune", *words)
        assert (code, told["removed"], len([i for i in told["items"] if i["kind"] == "evidence"])) == (0, False, 2)
    assert "would go" in place.say("prune")
    code, told = place.run("prune", "--yes")
    assert (code, told["removed"], told["problems"]) == (0, True, [])
    assert place.registry.quarantine == []
    assert place.registry.artifacts["adder"].current == done.verdict.digest
    code, told = place.run("prune", "no-such-thing")
    assert (code, told["error"]["code"]) == (3, "not-found")


def _adder():
    from harnessgym_mcp.qualify.scaffold import scaffold

    return scaffold("adder", tools=["add-up"])["server.py"]


# ---- repair


async def test_a_rejected_artifact_is_repaired_from_its_evidence(place, serve):
    done = await place.submitter.submit(place.draft("adder", {"server.py": BROKEN, "notes.md": "mine"}))
    assert not done.verdict.qualified
    code, shown = place.run("show", "adder")
    assert (code, shown["status"], len(shown["quarantine"])) == (0, "quarantined", 1)
    wire = serve(place)

    def ask(tool, **arguments):
        return json.loads(wire.ask("tools/call", name=tool, arguments=arguments)["content"][0]["text"])

    evidence = ask("harnessgym.reflect")["evidence"]["quarantined"]
    assert [(q["name"], q["rejections"]) for q in evidence] == [("adder", 1)]
    opened = ask("harnessgym.reflect", selected={"name": "adder", "why": "sums were wrong"})
    assert opened["rejected_before"][0]["findings"] == ["boot.exited"]
    draft = Path(opened["draft"])
    assert (draft / "server.py").read_text() == BROKEN
    assert (draft / "notes.md").read_text() == "mine"
    (draft / "server.py").write_text(_adder())
    answer = ask("harnessgym.submit_artifact", path=str(draft))
    assert (answer["status"], len(answer["former_rejections"])) == ("qualified", 1)
    code, shown = place.run("show", "adder")
    assert (shown.get("status", "active"), len(shown["rejections"])) == ("active", 1)
    assert Path(shown["rejections"][0]["evidence"]).is_dir()
    assert "boot.exited" in place.say("show", "adder")


async def test_a_person_is_told_of_former_rejections(place):
    await place.submitter.submit(place.draft("adder", {"server.py": BROKEN}))
    code, told = place.run("submit", str(place.draft("adder", {"server.py": _adder()})))
    assert (code, [q["findings"] for q in told["former_rejections"]]) == (0, [["boot.exited"]])
    assert len(history(place.registry, "adder")) == 1
    (path,) = (place.home.root / "quarantine" / "adder").iterdir()
    shutil.rmtree(path)
    assert place.run("show", "adder")[1]["rejections"][0]["evidence"] == ""
    assert "pruned" in place.say("show", "adder")
