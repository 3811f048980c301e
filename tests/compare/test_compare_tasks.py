"""Task files, families, and the four example families: equal seeds, fair starts, cheats refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harnessgym_mcp.agents.choose import AgentSpec
from harnessgym_mcp.core.trials import Budget
from harnessgym_mcp.errors import NotFoundError, UsageError
from harnessgym_mcp.gym.compare import Request, prepare
from harnessgym_mcp.gym.compare_files import Files
from harnessgym_mcp.gym.compare_folders import changes, digest_of, entries_of, keep_folder, pack, unpack
from harnessgym_mcp.gym.compare_tasks import load_tasks
from harnessgym_mcp.gym.trial import run_trial

EXAMPLES = Path(__file__).parents[2] / "examples"
FAMILIES = ("kernel-plan", "c-kernel", "numeric-debug", "log-analysis")


def made(family: str, seed: int, out: Path) -> Path:
    command = [sys.executable, str(EXAMPLES / family / "generate.py"), "--seed", str(seed), "--out", str(out)]
    subprocess.run(command, check=True, timeout=60)
    return out


def verified(task: Path, files: dict[str, str], tmp_path: Path) -> dict[str, object]:
    """What a family's verifier says of a workspace with these files in it."""
    place = tmp_path / "scored"
    for folder in ("workspace", "final"):
        subprocess.run(["cp", "-r", f"{task / folder}/.", str(place)], check=True)
    for name, text in files.items():
        (place / name).write_text(text)
    done = subprocess.run(["python3", "verify.py"], cwd=place, capture_output=True, text=True, timeout=100)
    told: dict[str, object] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_seeds_give_equal_tasks_and_other_seeds_others(family: str, tmp_path: Path) -> None:
    folders = [made(family, seed, tmp_path / str(n)) for n, seed in enumerate((1, 1, 2))]
    first, again, other = ({p: (f / p).read_bytes() for p in files_of(f)} for f in folders)
    assert first == again != other
    assert not {p.name for p in (folders[0] / "workspace").rglob("*")} & {"verify.py", "final_cases.json"}


def files_of(folder: Path) -> list[Path]:
    return [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]


CHEATS = [
    ("kernel-plan", {"plan.json": '{"tile": 1e9, "unroll": 1, "ahead": 0, "threads": 1}'}, "whole number"),
    ("kernel-plan", {"plan.json": '{"tile": 16, "unroll": 1, "ahead": 0, "threads": true}'}, "whole number"),
    ("c-kernel", {"kernel.c": "#include <stdlib.h>\nvoid kernel() { exit(0); }"}, "not allowed"),
    ("c-kernel", {"kernel.c": '#include "final_cases.json"\n'}, "not allowed"),
    ("c-kernel", {"kernel.c": "void kernel(const double *a, const double *b, double *c, int n, int w) {}"}, "wrong"),
    ("c-kernel", {"kernel.c": "int kernel(void { return 0; }"}, "ended with"),
    ("numeric-debug", {"library.py": "import os\n"}, "may not import 'os'"),
    ("numeric-debug", {"library.py": "x = ().__class__\n"}, "may not use"),
    ("log-analysis", {"answer.json": '{"release": "r1", "score": 1}'}, "no others"),
    ("log-analysis", {"answer.json": "[]"}, "keys"),
]


@pytest.mark.parametrize(("family", "files", "says"), CHEATS)
def test_a_familys_verifier_refuses_cheats(family: str, files: dict[str, str], says: str, tmp_path: Path) -> None:
    told = verified(made(family, 1, tmp_path / "task"), files, tmp_path)
    assert told["status"] == "failed"
    assert says in str(told["message"])


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_familys_script_does_its_task_without_tools(family: str, tmp_path: Path) -> None:
    tasks = load_tasks([EXAMPLES / family], [101], tmp_path)
    agent = AgentSpec(kind="scripted", script=str(EXAMPLES / family / "agent.py"))
    files = Files(tmp_path / "out")
    request = Request(tasks=tasks, arms=["plain", "aa"], agent=agent, budget=Budget(seconds=90), choices={"trials": 1})
    plan = await prepare(request, files)
    start = plan.design.tasks[0].baseline
    outcome = await run_trial(files, f"{family}-101.001.plain")
    assert (outcome.cause, outcome.passed, outcome.changed, outcome.scripted) == ("", True, True, True)
    assert outcome.score is not None
    if start is not None:
        assert outcome.score < start if plan.design.direction == "lower" else outcome.score >= start


def test_a_familys_seeds_decide_what_is_held_out(tmp_path: Path) -> None:
    tasks = load_tasks([EXAMPLES / "kernel-plan"], [1, 101], tmp_path)
    assert [(t.id, t.family, t.held_out) for t in tasks] == [
        ("kernel-plan-1", "kernel-plan", False),
        ("kernel-plan-101", "kernel-plan", True),
    ]
    assert len(load_tasks([EXAMPLES / "kernel-plan"], [], tmp_path / "all")) == 6


def test_a_text_is_a_task_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "faster loop.md").write_text("Make it fast.")
    (task,) = load_tasks([tmp_path / "faster loop.md"], [], tmp_path)
    assert (task.id, task.prompt, task.named) == ("faster-loop", "Make it fast.", False)


@pytest.mark.parametrize(
    ("name", "text", "kind", "says"),
    [
        ("a.md", "  \n", UsageError, "the task is empty"),
        ("task.json", '{"harnessgym_task": 1, "id": "a", "colour": 1}', UsageError, "unknown field"),
        ("task.json", '{"harnessgym_task": 1, "id": "a", "prompt": "no.md"}', NotFoundError, "cannot read"),
        ("family.json", '{"harnessgym_family": 1, "id": "f", "generate": ["false"]}', UsageError, "no test seeds"),
        ("family.json", '{"harnessgym_family": 1, "id": "f", "generate": ["false"], "test_seeds": [1]}', UsageError,
         "ended with 1"),
    ],
)  # fmt: skip
def test_a_task_that_is_none_is_refused(name: str, text: str, kind: type[Exception], says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(kind, match=says):
        load_tasks([tmp_path / name], [], tmp_path / "made")


# ---- folders


def test_a_kept_folder_is_the_same_wherever_it_came_from(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name
        (folder / "empty").mkdir(parents=True)
        (folder / "run.sh").write_text("true")
        (folder / "run.sh").chmod(0o755)
        (folder / "inner").symlink_to(folder / "run.sh")
    digests = {keep_folder(tmp_path / name, tmp_path / "kept") for name in ("a", "b")}
    assert len(digests) == 1
    kept = tmp_path / "kept" / digests.pop().removeprefix("sha256:")
    assert (kept / "inner").readlink() == Path("run.sh")
    unpack(pack(tmp_path, [f"kept/{kept.name}"]), tmp_path / "elsewhere")
    assert digest_of(entries_of(tmp_path / "elsewhere" / "kept" / kept.name)) == f"sha256:{kept.name}"


def test_a_pipe_in_a_template_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="neither a file"):
        entries_of(tmp_path)


def test_changes_are_what_was_added_changed_and_removed(tmp_path: Path) -> None:
    for name in ("same", "other", "gone"):
        (tmp_path / name).write_text(name)
    before = entries_of(tmp_path)
    (tmp_path / "gone").unlink()
    (tmp_path / "other").write_text("changed")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").write_text("")
    assert changes(before, entries_of(tmp_path)) == ["gone", "new/file", "other"]
