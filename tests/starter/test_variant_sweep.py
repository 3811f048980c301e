"""variant-sweep: what is ranked, and that the original comes back whatever happens."""

import os
import signal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

PROGRAM = "x = 5\nprint('score', x)\n"
DEADLINE = 60.0


def patch(name, path, find, replace):
    return {"name": name, "edits": [{"path": path, "find": find, "replace": replace}]}


@pytest.fixture
def program(bench):
    path = bench.workspace / "prog.py"
    path.write_text(PROGRAM)
    path.chmod(0o754)
    return path


def untouched(path, text=PROGRAM):
    """As it was before, with nothing left beside it."""
    leftovers = [p.name for p in path.parent.iterdir() if p.name.endswith(".sweep")]
    return path.read_text() == text and oct(path.stat().st_mode)[-3:] == "754" and not leftovers


# ---- through the harness


async def test_patches_are_ranked_and_the_original_comes_back(harness, folder):
    path = harness.workspace / folder / "prog.py"
    path.write_text(PROGRAM)
    name = f"{folder}/prog.py"
    patches = [
        patch("nine", name, "x = 5", "x = 9"),
        patch("two", name, "x = 5", "x = 2"),
        patch("bad", name, "5", "("),
    ]
    async with harness.session() as call:
        answer = await call("variant-sweep__sweep_patches", command=f"python3 {name}", patches=patches, rounds=3)
        found = answer.value
        assert [(r["name"], r["score"]) for r in found["ranked"]] == [("two", 2), ("original", 5), ("nine", 9)]
        assert [r.get("verdict") for r in found["ranked"]] == ["better", None, "worse"]
        assert found["failed"][0]["name"] == "bad"
        assert "SyntaxError" in found["failed"][0]["why"]
        assert path.read_text() == PROGRAM
        refused = await call("variant-sweep__sweep_patches", command="exit 3", patches=patches)
        assert "'original', to which all others are compared, fails" in refused.complaint
    assert path.read_text() == PROGRAM


async def test_a_killed_server_gives_the_original_back_when_it_next_starts(harness, folder):
    path, fifo = harness.workspace / folder / "prog.py", harness.workspace / folder / "fifo"
    path.write_text(PROGRAM)
    os.mkfifo(fifo)
    name = f"{folder}/prog.py"
    command = f"grep -q 'x = 2' {name} && {{ echo in place > {folder}/fifo; sleep 300; }}; echo 1"
    session = f"kill-{folder}"
    async with harness.session(session) as call:
        outcome = []

        async def sweep():
            try:
                outcome.append(
                    await call("variant-sweep__sweep_patches", command=command, patches=[patch("two", name, "5", "2")])
                )
            except Exception as error:
                outcome.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sweep)
            with anyio.fail_after(DEADLINE):
                await anyio.to_thread.run_sync(fifo.read_text, abandon_on_cancel=True)
            assert "x = 2" in path.read_text()
            killed = [os.kill(pid, signal.SIGKILL) for pid in descendants(session) if runs_a_server(pid)]
            assert killed
        assert isinstance(outcome[0], Exception) or outcome[0].failed
        assert "x = 2" in path.read_text()  # nobody was left to undo it
        found = (await call("variant-sweep__recover")).value
        assert found["state"] == "every original is in place"
        assert f"restored {name} after a sweep that was killed" in found["notes"]
    assert path.read_text() == PROGRAM


def descendants(session):
    """All processes below the front that serves a session."""
    fronts = [int(p.name) for p in Path("/proc").glob("[0-9]*") if session in cmdline(p)]
    found = []
    while fronts:
        pid = fronts.pop()
        children = []
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            children += [int(child) for child in task.read_text().split()]
        found += children
        fronts += children
    return found


def cmdline(process):
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def runs_a_server(pid):
    words = cmdline(Path(f"/proc/{pid}"))
    return "python" in words[0] and any(word.endswith("/server.py") for word in words)


# ---- coming back


@pytest.mark.parametrize(
    "command", ["echo 1", "echo broken; exit 3", "rm prog.py; echo 1", "echo more >> prog.py; echo 2"]
)
async def test_the_original_comes_back_after_whatever_the_command_did(bench, program, command):
    async with bench.server("variant-sweep") as server:
        await server.call("sweep_patches", command=command, patches=[patch("two", "prog.py", "5", "2")])
    assert untouched(program)


async def test_what_the_command_made_of_a_swept_file_is_kept_aside(bench, program):
    async with bench.server("variant-sweep") as server:
        answer = await server.call(
            "sweep_patches", command="echo formatted > prog.py; echo 2", patches=[patch("two", "prog.py", "5", "2")]
        )
    kept = [p.read_text() for p in (bench.data / "kept").iterdir()]
    assert kept == ["formatted\n"]
    assert "kept as kept/" in answer.value["notes"][0]
    assert untouched(program)


async def test_a_variant_that_hangs_is_given_up_and_the_others_are_scored(bench, program):
    patches = [
        patch("hangs", "prog.py", "x = 5", "import time; time.sleep(300); x = 1"),
        patch("two", "prog.py", "5", "2"),
    ]
    async with bench.server("variant-sweep") as server:
        answer = await server.call("sweep_patches", command="python3 prog.py", patches=patches, timeout_s=1)
    assert answer.value["best"] == "two"
    assert "took too long" in answer.value["failed"][0]["why"]
    assert untouched(program)


async def test_new_files_of_a_patch_are_gone_afterwards(bench, program):
    new = {
        "name": "new",
        "edits": [
            {"path": "flag.txt", "content": "3"},
            {"path": "prog.py", "content": "print(open('flag.txt').read())"},
        ],
    }
    async with bench.server("variant-sweep") as server:
        answer = await server.call("sweep_patches", command="python3 prog.py", patches=[new])
    assert answer.value["ranked"][0]["score"] == 3
    assert not (bench.workspace / "flag.txt").exists()
    assert untouched(program)


@pytest.mark.parametrize("way", ["cancel", "end of input", "SIGTERM", "SIGINT"])
async def test_the_original_comes_back_when_the_sweep_is_broken_off(bench, program, way):
    fifo = bench.fifo("fifo")
    command = "grep -q 'x = 2' prog.py && { echo now > fifo; sleep 300; }; echo 1"
    async with bench.server("variant-sweep") as server:
        await server.start("sweep_patches", "sweep", command=command, patches=[patch("two", "prog.py", "5", "2")])
        await fifo.told()
        assert "x = 2" in program.read_text()
        if way == "cancel":
            await server.send({"method": "notifications/cancelled", "params": {"requestId": "sweep"}})
            await server.call("recover")
        elif way == "end of input":
            await server.end()
        else:
            server.process.send_signal(getattr(signal, way))
            with anyio.fail_after(DEADLINE):
                await server.process.wait()
        assert untouched(program)
    assert not (bench.data / "journal.json").exists()


async def kill_amid(bench, **more):
    """A server killed while the variant is in place."""
    fifo = bench.fifo("fifo")
    command = "grep -q 'x = 2' prog.py && { echo now > fifo; exec sleep 300; }; echo 1"
    async with bench.server("variant-sweep") as server:
        await server.start("sweep_patches", command=command, patches=[patch("two", "prog.py", "5", "2")], **more)
        await fifo.told()
        sleeper = [pid for pid in children(server.process.pid) if "sleep" in cmdline(Path(f"/proc/{pid}"))[0]]
        server.process.kill()
        with anyio.fail_after(DEADLINE):
            await server.process.wait()
    for pid in sleeper:
        os.kill(pid, signal.SIGKILL)


def children(pid):
    return [int(c) for t in Path(f"/proc/{pid}/task").glob("*/children") for c in t.read_text().split()]


async def test_the_original_comes_back_at_the_next_start_and_that_is_told_once(bench, program):
    await kill_amid(bench)
    assert "x = 2" in program.read_text()
    async with bench.server("variant-sweep") as server:
        first = (await server.call("recover")).value
        assert untouched(program)
        second = (await server.call("recover")).value
    assert first["notes"] == ["restored prog.py after a sweep that was killed"]
    assert second["notes"] == []


@pytest.mark.parametrize("decision", ["restore", "keep"])
async def test_a_file_that_was_edited_after_the_kill_waits_for_a_decision(bench, program, decision):
    await kill_amid(bench)
    program.write_text("edited by hand\n")
    async with bench.server("variant-sweep") as server:
        assert program.read_text() == "edited by hand\n"
        refused = await server.call("sweep_patches", command="echo 1", patches=[patch("two", "prog.py", "edited", "2")])
        assert "prog.py has been edited since: call `recover`" in refused.complaint
        assert (await server.call("recover")).value["edited_since"] == ["prog.py"]
        assert program.read_text() == "edited by hand\n"
        assert (await server.call("recover", decision=decision)).value["state"] == "every original is in place"
        await server.call("sweep_flags", command="echo {A}", grid={"A": ["1"]})
    other = [p.read_text() for p in (bench.data / "kept").iterdir()]
    assert (program.read_text(), other) == {
        "restore": (PROGRAM, ["edited by hand\n"]),
        "keep": ("edited by hand\n", [PROGRAM]),
    }[decision]


async def test_a_sweep_under_way_is_left_alone_by_other_sessions(bench, program):
    fifo = bench.fifo("fifo")
    command = "grep -q 'x = 2' prog.py && { echo now > fifo; sleep 300; }; echo 1"
    async with bench.server("variant-sweep") as one:
        await one.start("sweep_patches", command=command, patches=[patch("two", "prog.py", "5", "2")])
        await fifo.told()
        async with bench.server("variant-sweep") as other:
            assert "another session is sweeping" in (await other.call("recover")).complaint
            assert "x = 2" in program.read_text()
        await one.end()
    assert untouched(program)


@pytest.mark.parametrize(
    "path", ["../out.txt", "/etc/hostname", "link.py", "linked/a.py", ".git/config", ".harnessgym/x", "no/dir.py"]
)
async def test_files_outside_the_workspace_and_private_ones_are_refused(bench, program, path):
    (bench.workspace / "link.py").symlink_to(program)
    (bench.workspace / "linked").symlink_to(bench.data)
    (bench.workspace / ".git").mkdir()
    change = {"name": "x", "edits": [{"path": path, "content": "hello"}]}
    async with bench.server("variant-sweep") as server:
        assert path in (await server.call("sweep_patches", command="echo 1", patches=[change])).complaint
    assert untouched(program)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"find": "y", "replace": "z"}, "'y' does not occur"),
        ({"find": "x", "replace": "z"}, "'x' occurs 2 times"),
        ({"find": "x"}, "give find and replace"),
        ({"find": "x", "replace": "y", "content": "z"}, "either content or find"),
    ],
)
async def test_an_edit_that_does_not_apply_is_explained(bench, program, edit, words):
    async with bench.server("variant-sweep") as server:
        change = {"name": "p", "edits": [{"path": "prog.py", **edit}]}
        assert words in (await server.call("sweep_patches", command="echo 1", patches=[change])).complaint
        everywhere = {"name": "p", "edits": [{"path": "prog.py", "find": "x", "replace": "q", "all": True}]}
        assert (await server.call("sweep_patches", command="python3 prog.py", patches=[everywhere])).value["ranked"]


# ---- scores


async def test_a_variant_has_to_pass_the_check(bench, program):
    patches = [patch("wrong", "prog.py", "x = 5", "x = 0"), patch("right", "prog.py", "x = 5", "x = 4")]
    async with bench.server("variant-sweep") as server:
        answer = await server.call(
            "sweep_patches", command="python3 prog.py", patches=patches, check="! grep -q 'x = 0' prog.py"
        )
    assert answer.value["best"] == "right"
    assert answer.value["failed"][0]["why"].startswith("the check exited with 1")


async def test_a_build_sees_every_change_by_its_time(bench, program):
    """Make compares times: each variant, and the original that comes back, has to look new."""
    (bench.workspace / "Makefile").write_text("out: prog.py\n\tpython3 prog.py > out\n")
    patches = [patch(str(n), "prog.py", "x = 5", f"x = {n}") for n in (7, 3)]
    async with bench.server("variant-sweep") as server:
        answer = await server.call(
            "sweep_patches", command="make -s && cat out", patches=patches, rounds=2, after="make -s"
        )
    assert [(r["name"], r["scores"]) for r in answer.value["ranked"]] == [
        ("3", [3, 3]),
        ("original", [5, 5]),
        ("7", [7, 7]),
    ]
    assert (bench.workspace / "out").read_text() == "score 5\n"


async def test_flags_reach_the_command_by_name_and_by_environment(bench):
    async with bench.server("variant-sweep") as server:
        command = 'test "{A}" = "$A" && echo $(({A} * 10 + B))'
        grid = {"A": ["2", "1"], "B": ["0", "5"]}
        answer = await server.call("sweep_flags", command=command, grid=grid, better="higher")
        found = answer.value
        wrong = await server.call("sweep_flags", command="echo 1", grid={"not a name": ["1"]})
    assert [(r["name"], r["score"]) for r in found["ranked"]] == [
        ("A=2, B=5", 25), ("A=2, B=0", 20), ("A=1, B=5", 15), ("A=1, B=0", 10),
    ]  # fmt: skip
    assert found["compared_to"] == "A=2, B=0"
    assert "needs a name" in wrong.complaint


async def test_plans_are_changed_within_and_a_plan_that_was_not_there_is_not_there_again(bench):
    plan = bench.workspace / "plan.json"
    before = '{"tile": {"rows": 4,\n "cols": [1, 2]}, "keep": "é"}\n'
    plan.write_text(before)
    script = "import json; p = json.load(open('plan.json')); assert p['keep'] == 'é'; t = p['tile']"
    (bench.workspace / "score.py").write_text(f"{script}\nprint(t['rows'] * t['cols'][1])\n")
    async with bench.server("variant-sweep") as server:
        grid = {"tile.rows": [8, 3], "tile.cols.1": [5, 1]}
        answer = await server.call("sweep_plan", command="python3 score.py", plan_file="plan.json", grid=grid)
        assert [r["score"] for r in answer.value["ranked"]] == [3, 8, 8, 15, 40]
        assert plan.read_text() == before
        nowhere = await server.call("sweep_plan", command="echo 1", plan_file="plan.json", grid={"keep.x": [1]})
        assert "no place for 'x'" in nowhere.complaint
        command = "test -e new.json && grep -c deep new.json || echo 9"
        made = await server.call("sweep_plan", command=command, plan_file="new.json", grid={"very.deep": [1]})
    assert [r["score"] for r in made.value["ranked"]] == [1, 9]
    assert not (bench.workspace / "new.json").exists()


async def test_too_many_combinations_are_drawn_from_the_same_ones_for_the_same_seed(bench):
    grid = {name: [str(n) for n in range(9)] for name in ("A", "B", "C")}
    async with bench.server("variant-sweep") as server:
        answers = [
            (await server.call("sweep_flags", command="echo $A$B$C", grid=grid, seed=seed)).value for seed in (1, 1, 2)
        ]
    names = [sorted(r["name"] for r in a["ranked"]) for a in answers]
    assert names[0] == names[1] != names[2]
    assert len(set(names[0])) == 64
    assert answers[0]["combinations"] == "64 drawn from 729"
    assert answers[0]["compared_to"] == "A=0, B=0, C=0"


async def test_noise_is_told_from_a_difference(bench):
    """Scores that depend on how often they were asked for: a spread of 10 around two means."""
    noise = "n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; echo $((100 + {A} + (n * 37) % 10))"
    async with bench.server("variant-sweep") as server:
        answer = (await server.call("sweep_flags", command=noise, grid={"A": ["0", "1", "-60"]}, rounds=8)).value
    verdicts = {r["name"]: r.get("verdict") for r in answer["ranked"]}
    assert verdicts == {"A=0": None, "A=1": "noise", "A=-60": "better"}
    assert "beyond noise" in answer["says"]


async def test_what_does_not_fit_the_budget_is_named_and_the_workspace_is_whole(bench, program):
    patches = [patch(str(n), "prog.py", "x = 5", f"x = {n}") for n in range(6, 26)]
    async with bench.server("variant-sweep") as server:
        answer = await server.call("sweep_patches", command="sleep 0.4; python3 prog.py", patches=patches, budget_s=2)
    found = answer.value
    assert len(found["ranked"]) + len(found["not_run"]) == 21
    assert found["not_run"]
    assert untouched(program)


async def test_json_and_time_can_be_scores(bench):
    async with bench.server("variant-sweep") as server:
        report = 'echo noise; echo \'{"m": [{"err": {A}}]}\''
        found = await server.call("sweep_flags", command=report, grid={"A": ["2", "1"]}, score="json:m.0.err")
        assert found.value["best"] == "A=1"
        missing = await server.call("sweep_flags", command=report, grid={"A": ["2"]}, score="json:m.0.loss")
        assert "nothing at 'loss'" in missing.complaint
        slow = await server.call("sweep_flags", command="sleep {A}", grid={"A": ["0.3", "0"]}, score="seconds")
        assert slow.value["best"] == "A=0"
        words = await server.call("sweep_flags", command='echo \'{"a": "1"}\'', grid={"A": ["2"]}, score="json:a")
        assert "no number at 'a' but \"1\"" in words.complaint
