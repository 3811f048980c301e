"""Builds kernel.c with the system's compiler and counts what it executes.

`measure.py` prints the instructions for each element of the output: counted by valgrind's callgrind within the function
`kernel` where valgrind is installed, so that two runs agree; else nanoseconds for each element, which are noisy. Its
last line is the number, the line before tells which of the two it is.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = ["-std=c11", "-O2", "-Wall"]
DRIVER = """\
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
void kernel(const double *in, const double *weights, double *out, int n, int w);
int main(int argc, char **argv) {
    int n, w, times = argc > 1 ? atoi(argv[1]) : 1;
    if (scanf("%d %d", &n, &w) != 2) return 2;
    double *in = malloc((n + w) * sizeof *in), *weights = malloc(w * sizeof *in), *out = calloc(n, sizeof *out);
    for (int i = 0; i < n + w - 1; i++) if (scanf("%lf", in + i) != 1) return 2;
    for (int i = 0; i < w; i++) if (scanf("%lf", weights + i) != 1) return 2;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int t = 0; t < times; t++) kernel(in, weights, out, n, w);
    clock_gettime(CLOCK_MONOTONIC, &b);
    for (int i = 0; i < n; i++) printf("%.17g\\n", out[i]);
    printf("%.17g\\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / times);
    return 0;
}
"""


class Unfit(Exception):
    """The kernel does not build or does not run."""


def build(source: Path, folder: Path) -> Path:
    """The program; raises Unfit with what the compiler says."""
    (folder / "driver.c").write_text(DRIVER)
    program = folder / "program"
    _run(["cc", *FLAGS, "-o", str(program), str(source), str(folder / "driver.c"), "-lm"])
    return program


def outputs(program: Path, case: dict) -> list[float]:
    """What the kernel computes for a case of `in`, `weights`."""
    return [float(line) for line in _run([str(program)], _text(case)).split()[:-1]]


def expense(program: Path, case: dict, folder: Path) -> tuple[str, float]:
    """`(unit, number)` for each element of the output."""
    n = len(case["in"]) - len(case["weights"]) + 1
    if not shutil.which("valgrind"):
        return "nanoseconds", min(float(_run([str(program), "50"], _text(case)).split()[-1]) for _ in range(5)) / n
    record = folder / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=kernel"]
    _run([*command, f"--callgrind-out-file={record}", str(program)], _text(case))
    total = re.search(r"^(?:summary|totals): (\d+)", record.read_text(), re.MULTILINE)
    if total is None or int(total[1]) == 0:
        raise Unfit("no instruction of `kernel` was executed")
    return "instructions", int(total[1]) / n


def _text(case: dict) -> str:
    numbers = [*case["in"], *case["weights"]]
    return f"{len(case['in']) - len(case['weights']) + 1} {len(case['weights'])}\n" + "\n".join(map(repr, numbers))


def _run(command: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unfit(str(error)) from error
    if done.returncode:
        raise Unfit(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = json.loads(Path("case.json").read_text())
        unit, number = expense(build(Path("kernel.c"), Path(folder)), case, Path(folder))
    print(f"{unit} for each element\n{number:.3f}")


if __name__ == "__main__":
    main()
