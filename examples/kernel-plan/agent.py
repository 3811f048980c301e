"""A script in the agent's place, with six moves in either arm: it shows what the tool makes of a move, nothing more.

Without tools a move tries one plan: a guess at first, then a change of the best so far. With `variant-sweep` a move
tries many: two sweeps over a grid, the second around the best of the first.
"""

import json
import random

MOVES = 6
AXES = {
    "tile": [8, 16, 24, 32, 48, 64, 96, 128],
    "unroll": [1, 2, 3, 4, 6, 8],
    "ahead": [0, 1, 2, 3, 4, 6],
    "threads": [1, 2, 4, 6, 8, 12],
}
COMMAND = "python3 cost.py shapes.json"


async def play(session):
    rng = random.Random(session.variables["seed"])
    sweeping = "variant-sweep__sweep_plan" in session.tools
    best = await (swept if sweeping else tried)(session, rng)
    session.write("plan.json", json.dumps(best))
    session.say(f"the best plan found: {json.dumps(best)}")


async def tried(session, rng):
    best, least = json.loads(session.read("plan.json")), float("inf")
    for move in range(MOVES):
        plan = {name: rng.choice(values) for name, values in AXES.items()} if move < 3 else changed(best, rng)
        session.write("plan.json", json.dumps(plan))
        found = float((await session.run(COMMAND)).stdout)
        best, least = (plan, found) if found < least else (best, least)
    return best


def changed(plan, rng):
    name = rng.choice(list(AXES))
    return {**plan, name: rng.choice(AXES[name])}


async def swept(session, rng):
    """One move to read the machine, two to sweep coarsely, two to sweep finely, one to write the plan down."""
    session.read("machine.json")
    best = {"tile": 16, "unroll": 1, "ahead": 0, "threads": 1}
    grids = [
        lambda: {"tile": rng.sample(AXES["tile"], 4), "threads": rng.sample(AXES["threads"], 3)},
        lambda: {"unroll": [2, 4, 6, 8], "ahead": [1, 2, 3, 4]},
        lambda: {"tile": near(best["tile"], 8, 256), "threads": near(best["threads"], 1, 16)},
        lambda: {"unroll": near(best["unroll"], 1, 16), "ahead": near(best["ahead"], 0, 8)},
    ]
    for grid in grids:
        session.write("plan.json", json.dumps(best))
        call = {"command": COMMAND, "plan_file": "plan.json", "grid": grid(), "timeout_s": 20}
        answer = await session.call("variant-sweep__sweep_plan", call)
        best = {**best, **plan_of(answer.data["best"])}
    return best


def plan_of(name):
    """`tile=32, threads=4` as a plan's part; the plan as it was is called `original`."""
    return {key: int(value) for key, value in (part.split("=") for part in name.split(", ") if "=" in part)}


def near(value, low, high):
    step = max(value // 4, 1)
    return sorted({min(max(value + k * step, low), high) for k in (-2, -1, 0, 1)})
