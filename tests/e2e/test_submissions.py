"""Submissions at odd moments and of odd files; what the control tools say of arguments that make no sense."""

import json

import anyio
import pytest

SLOW = "import time; time.sleep(1.0)\n"


async def opened(agent, name="adder"):
    return await agent.ask("harnessgym.reflect", selected={"name": name, "why": "w", "tools": ["add"]})


def iteration(place):
    return json.loads((place.home / "iterations.json").read_text())["iterations"][-1]


async def test_two_submissions_at_the_same_moment_are_one(place):
    answers = []
    async with place.client() as agent:
        await opened(agent)

        async def submit():
            answers.append(await agent.ask("harnessgym.submit_artifact", files={"server.py": "raise SystemExit(1)\n"}))

        async with anyio.create_task_group() as group:
            group.start_soon(submit)
            group.start_soon(submit)
    assert [a["repair"] for a in answers] == ["1 of 2", "1 of 2"]
    assert sorted("notes" in a for a in answers) == [False, True]
    assert len(iteration(place)["attempts"]) == 1


async def test_what_the_clean_room_is_at_work_on_cannot_be_abandoned(place):
    async with place.client("legacy", "s-2", "test-client", "--set", "timeouts.submit=0") as agent:
        server = (await opened(agent, "second"))["files"]["server.py"].replace("total", "sum")
        ticket = await agent.ask("harnessgym.submit_artifact", files={"server.py": SLOW + server})
        refused = await agent.ask("harnessgym.submit_artifact", abandon=True)
        assert (refused["error"], ticket["ticket"] in refused["hint"]) == ("slot", True)
        assert ticket["ticket"] in ticket["next"]
        assert (await agent.ask("harnessgym.stats"))["open_slot"]["name"] == "second"


@pytest.mark.parametrize(
    "files",
    [
        {"plugin.json/x": "a file is in its way"},
        {"a": "a file", "a/b": "and a folder"},
        {"skills": "a folder is in its way"},
        {"é" * 200: "more than 255 bytes"},
        {f"a/{'b' * 256}": "too long"},
        {".": "no name"},
        {"": "no name"},
        {"a\\b": "no separator"},
        {"ok.txt": "written?", "../out": "leads out"},
        {f"{n}.txt": "" for n in range(2001)},
    ],
)
async def test_files_that_cannot_be_written_are_refused_with_a_reason_and_cost_no_repair(place, files):
    async with place.client() as agent:
        await opened(agent)
        refused = await agent.ask("harnessgym.submit_artifact", files=files)
        assert refused["error"] == "usage"
        assert refused["message"].startswith("`files`")
        assert refused["hint"]
    assert "attempts" not in iteration(place)
    assert not (place.home / "drafts" / "adder" / "ok.txt").exists()


async def test_a_link_in_the_draft_is_replaced_and_never_followed(place, tmp_path):
    (tmp_path / "kept").write_text("mine")
    async with place.client() as agent:
        draft = anyio.Path((await opened(agent))["draft"])
        await (draft / "notes.txt").symlink_to(tmp_path / "kept")
        await (draft / "out").symlink_to(tmp_path)
        refused = await agent.ask("harnessgym.submit_artifact", files={"out/new/x": "y"})
        assert "leads out" in refused["message"]
        await (draft / "out").unlink()
        accepted = await agent.ask("harnessgym.submit_artifact", files={"notes.txt": "its own"})
    assert accepted["status"] == "qualified"
    assert (tmp_path / "kept").read_text() == "mine"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("stats", {"artifact": "addr"}, ["no artifact", "did you mean adder?"]),
        ("stats", {"artifact": "zzz"}, ["no artifact", "harnessgym.stats without `artifact` shows all"]),
        ("stats", {"artifact": ["adder"]}, ["`artifact` is of type string"]),
        ("stats", {"since": True}, ["`since` is of type string or number"]),
        ("stats", {"scope": "mine"}, ["session, run or all"]),
        ("reflect", {"selected": "adder"}, ["`selected` is of type object"]),
        ("reflect", {"selected": {"name": "x", "why": "w", "tool": []}}, ["unknown field `tool`", "it takes name"]),
        ("submit_artifact", {"abandon": "yes"}, ["`abandon` is of type boolean"]),
        ("submit_artifact", {"draft": "x"}, ["no argument 'draft'", "it takes: path, files"]),
        ("tools", {"query": 5}, ["`query` is of type string"]),
    ],
)
async def test_arguments_that_make_no_sense_are_told_with_what_would(place, tool, arguments, words):
    assert (await place.run("submit", str(place.draft("adder"))))[0] == 0
    async with place.client() as agent:
        answer = json.dumps(await agent.ask(f"harnessgym.{tool}", **arguments))
    assert [word for word in words if word not in answer] == []


async def test_a_refused_selection_names_the_calls_that_submit_and_give_up(place):
    async with place.client() as agent:
        first = await opened(agent)
        hint = (await opened(agent, "other"))["hint"]
    draft = json.dumps(first["draft"], ensure_ascii=False)
    assert f'harnessgym.submit_artifact {{"path": {draft}}}' in hint
    assert 'harnessgym.submit_artifact {"abandon": true}' in hint
