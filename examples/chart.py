"""Draws docs/img/compare.svg anew: a whole comparison of the family c-kernel, in some minutes, offline.

The report goes to docs/measured/compare.json; the README's figures are held against it.

`python examples/chart.py [--out DIR]`: DIR keeps the comparison with its report; a temporary folder does otherwise.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "docs" / "measured" / "compare.json"
COMPARE = [
    *("compare", "--task", "examples/c-kernel", "--artifacts", "generated/variant-sweep"),
    *("--agent-script", "examples/c-kernel/agent.py", "--trials", "4", "--parallel", "2"),
    *("--title", "Six C kernels, instructions for each element: with and without variant-sweep (scripted agent)"),
]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = given.out or Path(folder) / "out"
        harnessgym(*COMPARE, "--out", str(out.absolute()))
        report = json.loads((out / "report.json").read_text())
        report["command"] = "python examples/chart.py"
        MEASURED.write_text(json.dumps(report, indent=1) + "\n")
        return harnessgym("report", str(MEASURED), "--svg", "docs/img/compare.svg", "--chart", "effects")


def harnessgym(*words: str) -> int:
    return subprocess.run([sys.executable, "-m", "harnessgym_mcp", *words], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
