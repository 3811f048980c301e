"""How often does a comparison err where there is nothing to find, and how often do its intervals hold the truth?

    python -m benchmarks.rehearsals [--out docs/measured/rehearsals.json] [--share 1.0]

Thousands of simulated comparisons, seeded, on all processors: the tables of docs/statistics.md are written from the
file. `--share 0.1` makes a tenth of them.
"""

import argparse
import json
import math
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from harnessgym_mcp.core.analysis import analyse
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.simulation import World, rehearse, simulate
from harnessgym_mcp.core.tasks import TaskRef
from harnessgym_mcp.core.trials import Budget, Bundle, Design, new_design

OUT = Path(__file__).parents[1] / "docs" / "measured" / "rehearsals.json"
SEED = 1
SPREAD = 0.1  # standard deviation of a pair's log ratio, and of a task's where tasks differ
QUICK = Compare(bootstrap_draws=100)  # the verdict does not ask the bootstrap
Setting = tuple[str, dict[str, object], World, int]

# name, choices of the design, the world, comparisons
NO_EFFECT: tuple[Setting, ...] = (
    ("6 pairs", {"trials": 6}, World(), 1000),
    ("8 pairs", {"trials": 8}, World(), 1000),
    ("8 pairs, 15 % of attempts fail, large spread", {"trials": 8}, World(spread=0.5, failing=0.15), 1000),
    ("20 pairs", {"trials": 20}, World(), 1000),
    ("10 pairs", {"trials": 10, "alpha": 0.1}, World(), 4000),
    ("8 trials of each arm, unpaired", {"trials": 8, "paired": False}, World(common=0.0), 1000),
    ("4 tasks x 3 pairs", {"trials": 3, "tasks": 4}, World(), 1000),
    ("16 pairs, pass and fail", {"trials": 16, "scale": "pass", "worthwhile": 0.3}, World(typical=0.5), 1000),
    ("40 pairs, pass and fail", {"trials": 40, "scale": "pass", "worthwhile": 0.3}, World(typical=0.5), 1000),
)
COVERAGE = ((4, 2), (4, 8), (8, 3), (12, 8))  # tasks, pairs of each
COVERED = 800


def design(tasks: int = 1, **choices: object) -> Design:
    refs = [TaskRef(id=f"t{i}", held_out=True) for i in range(tasks)]
    bundle = Bundle(tools=["k__bench"])
    return new_design(refs, ["plain", "harnessed"], Budget(seconds=60), Compare(), bundle=bundle, **choices)


def wrong(setting: Setting, share: float) -> dict[str, object]:
    """The share of better and worse where the arms are equal."""
    name, choices, world, runs = setting
    made, runs = design(**choices), max(1, int(runs * share))  # type: ignore[arg-type]
    found = rehearse(made, world, runs=runs, seed=SEED, rules=QUICK)
    return {"design": name, "alpha": made.alpha, "runs": runs, "wrong": found.get("better", 0) + found.get("worse", 0)}


def moved(outcome: Outcome, effects: dict[str, float]) -> Outcome:
    """The same outcome in a world where the harness changes each task by a factor of its own."""
    task, _, arm = outcome.trial.split(".")
    if arm == "plain" or outcome.score is None:
        return outcome
    return msgspec.structs.replace(outcome, score=outcome.score * math.exp(effects[task]))


def covered(tasks: int, pairs: int, share: float) -> dict[str, object]:
    """The share of intervals that hold the truth: 1 for tasks like these, the drawn tasks' mean for these tasks."""
    made, runs = design(tasks, trials=pairs), max(1, int(COVERED * share))
    beyond = these = 0
    for run in range(runs):
        rng = random.Random(f"{SEED}/{tasks}/{pairs}/{run}")
        effects = {task.id: rng.gauss(0, SPREAD) for task in made.tasks}
        outcomes = [moved(o, effects) for o in simulate(made, World(spread=SPREAD), seed=rng.randrange(1 << 30))]
        contrast = analyse(made, outcomes).contrasts[0]
        beyond += holds(contrast.beyond, 1.0)
        these += holds(contrast.estimate, math.exp(sum(effects.values()) / tasks))
    return {"tasks": tasks, "pairs": pairs, "runs": runs, "beyond": beyond / runs, "these": these / runs}


def holds(estimate: object, truth: float) -> bool:
    low, high = getattr(estimate, "low", None), getattr(estimate, "high", None)
    return low is not None and high is not None and low <= truth <= high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--share", type=float, default=1.0)
    given = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        errors = [pool.submit(wrong, setting, given.share) for setting in NO_EFFECT]
        intervals = [pool.submit(covered, *sizes, given.share) for sizes in COVERAGE]
        found = {"no_effect": [e.result() for e in errors], "coverage": [i.result() for i in intervals]}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n")
    print(given.out.read_text(), end="")


if __name__ == "__main__":
    main()
