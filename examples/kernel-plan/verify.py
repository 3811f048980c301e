"""Scores plan.json at the final shapes. Nothing of the workspace but plan.json is read: model and machine are ours."""

import json
from pathlib import Path

from final_cost import CHOICES, cost


def checked(text: str) -> dict[str, int]:
    """A plan of whole numbers within their ranges and nothing else; raises ValueError."""
    plan = json.loads(text)
    if not isinstance(plan, dict) or set(plan) != set(CHOICES):
        raise ValueError(f"plan.json needs exactly {', '.join(CHOICES)}")
    for name, allowed in CHOICES.items():
        if type(plan[name]) is not int or plan[name] not in allowed:
            raise ValueError(f"{name} is a whole number from {allowed[0]} to {allowed[-1]}")
    return plan


def main() -> None:
    machine, shapes = (json.loads(Path(f"final_{name}.json").read_text()) for name in ("machine", "shapes"))
    path = Path("plan.json")
    try:
        if path.is_symlink() or path.stat().st_size > 10_000:
            raise ValueError("plan.json is a small file")
        plan = checked(path.read_text())
    except (OSError, ValueError) as error:
        print(json.dumps({"status": "failed", "message": str(error)}))
        return
    print(json.dumps({"status": "passed", "score": sum(cost(plan, machine, n) for n in shapes) / len(shapes)}))


main()
