"""Scores kernel.c: right on inputs of many sizes, then its instructions on an input that no agent has seen.

The kernel is built with our driver and our flags. It may not reach around the measurement: no other headers, no inline
assembly, no code that runs before or besides `kernel`.
"""

import json
import math
import re
import tempfile
from pathlib import Path

from final_measure import Unfit, build, expense, outputs

HEADERS = ("stddef.h", "math.h", "string.h")
FORBIDDEN = (
    r"\b(asm|__asm__|__asm|constructor|destructor|main|section|alias|ifunc|weak|system|exit|_exit|abort|longjmp)\b"
)


def inspected(text: str) -> None:
    """Raises Unfit for a source that could do more than compute."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text.replace("\\\n", ""), flags=re.DOTALL)
    for line in re.findall(r"^\s*#\s*(?:include|include_next|embed)\b(.*)$", code, re.MULTILINE):
        if line.strip().strip('<>"') not in HEADERS:
            raise Unfit(f"this header is not allowed: {line.strip()}")
    if found := re.search(FORBIDDEN, code):
        raise Unfit(f"{found[0]} is not allowed")
    if "??" in code or "##" in code or "%:" in code:
        raise Unfit("trigraphs, digraphs and token pasting are not allowed")


def right(case: dict, got: list[float]) -> bool:
    """Within rounding of the sum as it is defined, whatever its order."""
    values, weights = case["in"], case["weights"]
    for i, value in enumerate(got):
        terms = [values[i + j] * weight for j, weight in enumerate(weights)]
        if not abs(value - math.fsum(terms)) <= 1e-12 * math.fsum(map(abs, terms)) + 1e-15:
            return False
    return len(got) == len(values) - len(weights) + 1


def scored() -> dict:
    source = Path("kernel.c")
    if source.is_symlink() or source.stat().st_size > 100_000:
        raise Unfit("kernel.c is a small file")
    inspected(source.read_text())
    cases = json.loads(Path("final_cases.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        program = build(source, Path(folder))
        for number, case in enumerate([*cases["checks"], cases["scored"]]):
            if not right(case, outputs(program, case)):
                raise Unfit(f"wrong results on final case {number}")
        unit, number = expense(program, cases["scored"], Path(folder))
    return {"status": "passed", "score": number, "unit": f"{unit} for each element"}


try:
    print(json.dumps(scored()))
except (OSError, ValueError, Unfit) as error:
    print(json.dumps({"status": "failed", "message": str(error)[:500]}))
