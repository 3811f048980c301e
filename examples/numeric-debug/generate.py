"""Makes one task of this family: a library of six functions, three of which are right on ordinary numbers only."""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from making import Parts, main  # noqa: E402

PROMPT = """\
library.py computes six things from a list of numbers. Some of its functions lose accuracy, overflow or fail on numbers
that are not ordinary. Repair library.py, so that every function is right within a billionth (relative) on its whole
domain. reference.py says what each function is and what its domain is; it is exact and slow, and library.py must not
use it. library.py may import math, fractions and statistics, nothing else. `python3 check.py` tries ordinary numbers.
"""

CHECK = '''\
"""Ordinary numbers: all is well here."""

import library
from reference import FUNCTIONS, exact

CASES = [[1.5, 2.25, -3.0, 4.0], [0.1, 0.2, 0.3], [10.0, 12.0, 9.0, 11.0, 10.5]]
for name in FUNCTIONS:
    for xs in CASES:
        assert abs(getattr(library, name)(xs) - exact(name, xs)) <= 1e-9 * abs(exact(name, xs)), name
print("ordinary numbers: right")
'''

SOUND = {
    "total": "return math.fsum(xs)",
    "norm": "return math.hypot(*xs)",
    "variance": "return float(statistics.pvariance([Fraction(x) for x in xs]))",
    "log_sum_exp": "return max(xs) + math.log(math.fsum(math.exp(x - max(xs)) for x in xs))",
    "softmax_peak": "return 1 / math.fsum(math.exp(x - max(xs)) for x in xs)",
    "mean_step": "return (xs[-1] - xs[0]) / max(len(xs) - 1, 1)",
}
FLAWED = {
    "total": "return float(sum(xs))",
    "norm": "return math.sqrt(sum(x * x for x in xs))",
    "variance": "return sum(x * x for x in xs) / len(xs) - (sum(xs) / len(xs)) ** 2",
    "log_sum_exp": "return math.log(sum(math.exp(x) for x in xs))",
    "softmax_peak": "return max(math.exp(x) for x in xs) / sum(math.exp(x) for x in xs)",
    "mean_step": "return sum(b - a for a, b in zip(xs, xs[1:])) / max(len(xs) - 1, 1)",
}
HEAD = '''"""Six things that are computed from lists of numbers."""

import math
import statistics
from fractions import Fraction
'''


def make(rng: random.Random) -> Parts:
    flawed = set(rng.sample(sorted(FLAWED), 3))
    bodies = {name: (FLAWED if name in flawed else SOUND)[name] for name in SOUND}
    library = HEAD + "".join(f"\n\ndef {name}(xs):\n    {body}\n" for name, body in bodies.items())
    reference = (HERE / "reference.py").read_text()
    return Parts(
        prompt=PROMPT,
        workspace={"library.py": library, "reference.py": reference, "check.py": CHECK},
        final={"final_reference.py": reference, "final_cases.json": json.dumps(cases(rng))},
        told={"direction": "higher", "worst": 0.0, "results": ["library.py"]},
    )


def cases(rng: random.Random) -> list[list]:
    """[function, numbers] each: some ordinary, most not."""
    kinds = {
        "total": lambda: mixed(rng, 16),
        "norm": lambda: [rng.uniform(1, 9) * 10.0 ** rng.choice([-190, 180, 200]) for _ in range(rng.randrange(1, 9))],
        "variance": lambda: [10.0 ** rng.randrange(9, 14) + rng.uniform(0, 9) for _ in range(rng.randrange(3, 9))],
        "log_sum_exp": lambda: [rng.uniform(700, 9000) * rng.choice([-1, 1]) for _ in range(rng.randrange(1, 9))],
        "softmax_peak": lambda: [rng.uniform(800, 9000) * rng.choice([-1, 1]) for _ in range(rng.randrange(1, 9))],
        "mean_step": lambda: [1.0, *mixed(rng, 18), rng.uniform(2, 3)],
    }
    hard = [[name, make()] for name, make in kinds.items() for _ in range(4)]
    return hard + [[name, [rng.uniform(-9, 9) for _ in range(5)]] for name in kinds]


def mixed(rng: random.Random, digits: int) -> list[float]:
    """Great numbers that cancel, and small ones between them."""
    big = rng.uniform(1, 9) * 10.0**digits
    return [big, rng.uniform(0.5, 1.5), -big, rng.uniform(0.5, 1.5)]


if __name__ == "__main__":
    main(HERE, make)
