"""Makes one task of this family: a machine, shapes that the agent may measure, and others that are scored."""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from making import Parts, main  # noqa: E402

PROMPT = """\
Find a good plan for the kernel on the machine in machine.json.

`python3 cost.py shapes.json` prints the cost of plan.json; lower is better. Change plan.json only: whole numbers for
tile (8 to 256), unroll (1 to 16), ahead (0 to 8) and threads (1 to 16). What counts is the cost at other shapes of
about the same size.
"""


def make(rng: random.Random) -> Parts:
    machine = {
        "cache": rng.choice([6144, 12288, 24576, 49152]),
        "depth": rng.choice([2, 3, 4, 6]),
        "registers": rng.choice([16, 24, 32]),
        "width": rng.choice([2, 3, 4]),
        "latency": rng.choice([20, 40, 80]),
        "contention": rng.choice([4, 8, 16, 32]),
    }
    middle = rng.randrange(600, 1400)
    shapes = [rng.randrange(middle - 100, middle + 100) for _ in range(7)]
    plan = {"tile": 16, "unroll": 1, "ahead": 0, "threads": 1}
    model, known = (HERE / "cost.py").read_text(), json.dumps(machine, indent=1)
    return Parts(
        prompt=PROMPT,
        workspace={
            "cost.py": model,
            "machine.json": known,
            "shapes.json": json.dumps(shapes[:3]),
            "plan.json": json.dumps(plan),
        },
        final={"final_cost.py": model, "final_machine.json": known, "final_shapes.json": json.dumps(shapes[3:])},
        told={"direction": "lower", "results": ["plan.json"]},
    )


if __name__ == "__main__":
    main(HERE, make)
