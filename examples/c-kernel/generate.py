"""Makes one task of this family: the kernel as it is, a case to measure with, and other cases for the final score."""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from making import Parts, main  # noqa: E402

PROMPT = """\
Make `kernel` in kernel.c execute fewer instructions, without changing what it computes (rounding may differ).

`python3 measure.py` builds it with the system's compiler and prints the instructions for each element of the output on
case.json. Change kernel.c only; it is built with `cc -std=c11 -O2`. It may include stddef.h, math.h and string.h. It is
judged on other inputs, of other lengths: any n of 1 and more, any w of 1 and more.
"""


def case(rng: random.Random, n: int, w: int) -> dict[str, list[float]]:
    return {
        "in": [round(rng.uniform(-5, 5), 4) for _ in range(n + w - 1)],
        "weights": [round(rng.uniform(-1, 1), 4) for _ in range(w)],
    }


def make(rng: random.Random) -> Parts:
    n, w = rng.randrange(400, 900), rng.choice([5, 6, 8, 9, 12, 16])
    measure = (HERE / "measure.py").read_text()
    sizes = [(1, 1), (1, w), (2, 3), (17, 1), (33, 7), (rng.randrange(100, 300), w + 1)]
    checks = [case(rng, *size) for size in sizes]
    return Parts(
        prompt=PROMPT,
        workspace={
            "kernel.c": (HERE / "kernel.c").read_text(),
            "measure.py": measure,
            "case.json": json.dumps(case(rng, n, w)),
        },
        final={
            "final_measure.py": measure,
            "final_cases.json": json.dumps({"checks": checks, "scored": case(rng, n + 51, w)}),
        },
        told={"direction": "lower", "results": ["kernel.c"]},
    )


if __name__ == "__main__":
    main(HERE, make)
