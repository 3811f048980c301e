"""Trials on a Ray cluster of this machine: two workers, one of which is killed in mid-trial."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "compare"))

from compare_bench import TOOL, new_bench

from harnessgym_mcp.ext.ray_executor import RayExecutor
from harnessgym_mcp.gym.compare import carry_out

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.filterwarnings("ignore")]

SCRIPT = """\
import json, os, pathlib, signal
def above(pid):
    return int(pathlib.Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[1])
async def play(session):
    mark = pathlib.Path({mark!r})
    if session.variables["repetition"] == 1 and not mark.exists():
        worker = above(above(os.getppid()))      # supervisor, the trial's process, Ray's worker
        mark.write_text(pathlib.Path(f"/proc/{{worker}}/cmdline").read_text())
        os.kill(worker, signal.SIGKILL)
        signal.pause()
    if session.connected:
        await session.call({tool!r}, {{"command": ["python3", "cost.py", "{{x}}", "3"], "grid": {{"x": [6, 7]}}}})
    session.write("plan.json", json.dumps({{"x": 7 + session.connected, "y": 3}}))
"""


async def test_results_and_calls_come_home_though_a_worker_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "node"))  # of the workers: this machine is their node
    bench = new_bench(tmp_path, tmp_path / "state")
    mark = tmp_path / "killed"
    files, plan = await bench.planned(bench.request(SCRIPT.format(mark=str(mark), tool=TOOL), trials=2))
    told = []
    with RayExecutor(files, plan, cpus=1, most=2) as executor:
        assert executor.at_once == 2
        model = await carry_out(files, plan, executor, told.append)
    assert "ray::" in mark.read_text(), "it was not a worker of Ray's that was killed"
    lost = [outcome for outcome in told if outcome.cause]
    assert [(o.cause, o.tries) for o in lost] == [("worker_lost", 1)]
    found = files.outcomes(plan)
    assert {id.rpartition(".")[2]: o.score for id, o in found.items()} == {"plain": 10, "harnessed": 11}
    assert [o.tries for o in found.values() if o.trial == lost[0].trial] == [2]
    assert [j.trial for j in model.comparison.trials if "retried" in j.flags] == [lost[0].trial]
    for id in ("plan.001.harnessed", "plan.002.harnessed"):
        assert [call.tool for call in found[id].calls] == [TOOL]
        rows = files.trial(id) / f"try-{found[id].tries}" / "calls.jsonl"
        assert json.loads(rows.read_text())["tool"] == "sweep"
    (kept,) = (tmp_path / "node" / "harnessgym" / "comparisons").iterdir()
    assert (kept / "plan.json").read_bytes() == (files.out / "plan.json").read_bytes()
