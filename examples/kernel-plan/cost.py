"""Cost of a kernel's plan on the machine of machine.json, summed over the shapes of a file; lower is better.

`cost.py SHAPES` reads plan.json and prints the cost. The model is deterministic and only roughly like a real machine:
cache misses, latency that is hidden by running ahead, loop overhead, spilled registers, remainders.
"""

import json
import sys
from pathlib import Path

CHOICES = {"tile": range(8, 257), "unroll": range(1, 17), "ahead": range(9), "threads": range(1, 17)}


def cost(plan: dict[str, int], machine: dict[str, int], n: int) -> float:
    """Cost of one shape, an `n` x `n` problem."""
    tile, unroll, ahead, threads = (plan[name] for name in CHOICES)
    held = 3 * tile * tile * threads / machine["cache"]
    misses = n * n / tile * max(1.0, held) ** 0.8
    hidden = 1 - 0.6 * min(ahead, machine["depth"]) / machine["depth"] + 0.15 * max(ahead - machine["depth"], 0)
    spilled = max(0, unroll * machine["width"] + 2 * ahead - machine["registers"])
    work = n * n * (1 + 1.5 / unroll + 0.08 * spilled)
    ragged = 1 + (n % tile) / n + 0.5 * (tile % unroll) / tile
    shared = threads / (1 + machine["contention"] / 1000 * (threads - 1) ** 1.5)
    return (misses * machine["latency"] * hidden + work) * ragged / shared / (n * n)


def main() -> None:
    plan = json.loads(Path("plan.json").read_text())
    machine = json.loads(Path("machine.json").read_text())
    shapes = json.loads(Path(sys.argv[1]).read_text())
    print(f"{sum(cost(plan, machine, n) for n in shapes) / len(shapes):.6f}")


if __name__ == "__main__":
    main()
