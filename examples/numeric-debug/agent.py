"""A script in the agent's place, with three repairs in either arm: it shows what the tool makes of them, nothing more.

Both arms know how each function is written well. Without tools the script cannot see which ones are flawed, since
ordinary numbers show nothing; it repairs three at random. With `numcheck` it gets numbers on which such code breaks,
has library.py compared with the reference on them, and repairs the worst.
"""

import json
import random
import re

REPAIRS = 3
WELL = {
    "total": "return math.fsum(xs)",
    "norm": "return math.hypot(*xs)",
    "variance": "return float(statistics.pvariance([Fraction(x) for x in xs]))",
    "log_sum_exp": "return max(xs) + math.log(math.fsum(math.exp(x - max(xs)) for x in xs))",
    "softmax_peak": "return 1 / math.fsum(math.exp(x - max(xs)) for x in xs)",
    "mean_step": "return (xs[-1] - xs[0]) / max(len(xs) - 1, 1)",
}


COMPUTE = "python3 reference.py tried.json > expected.json && python3 reference.py tried.json library > actual.json"


async def play(session):
    rng = random.Random(session.variables["seed"])
    await session.run("python3 check.py")
    seeing = "numcheck__compare" in session.tools
    repaired = await (seen if seeing else guessed)(session, rng)
    session.say(f"repaired: {', '.join(repaired) or 'nothing'}")


async def guessed(session, rng):
    names = rng.sample(sorted(WELL), REPAIRS)
    for name in names:
        repair(session, name)
    return names


async def seen(session, rng):
    """The worst first; then whatever is still wrong."""
    session.write("tried.json", json.dumps(await hard_numbers(session, rng)))
    names = []
    for _ in range(REPAIRS):
        await session.run(COMPUTE)
        call = {"expected": "expected.json", "actual": "actual.json", "rel_tol": 1e-9}
        shown = json.dumps((await session.call("numcheck__compare", call)).data["worst"])
        wrong = sorted((name for name in WELL if f"{name}/" in shown), key=lambda name: shown.index(f"{name}/"))
        for name in wrong[:1]:
            repair(session, name)
            names.append(name)
    await session.run("rm tried.json expected.json actual.json")
    return names


async def hard_numbers(session, rng):
    """Lists on which such code breaks, within the bounds of each function's domain."""
    cases = {}
    for limit in (1e300, 1e140, 1e5):
        signature = {"name": "xs", "shape": ["n"], "low": -limit, "high": limit}
        call = {"inputs": [signature], "sizes": {"n": 9}, "seed": rng.randrange(999)}
        made = await session.call("numcheck__adversarial_inputs", call)
        for case in made.data["cases"]:
            cases[f"{case['case']} within {limit:g}"] = case["inputs"]["xs"]["values"]
    return cases


def repair(session, name):
    text = session.read("library.py")
    session.write("library.py", re.sub(rf"(def {name}\(xs\):\n    ).*", lambda found: found[1] + WELL[name], text))
