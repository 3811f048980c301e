"""Scores library.py: the share of final cases that it gets right, computed in a process that sees no final file."""

import ast
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from final_reference import FUNCTIONS, exact

ALLOWED = {"math", "fractions", "statistics"}
FORBIDDEN = {"open", "eval", "exec", "compile", "globals", "locals", "vars", "getattr", "input", "breakpoint", "print"}
RUN = """\
import json, sys
sys.path.insert(0, sys.argv[1])
import library
def value(name, xs):
    try:
        return float(getattr(library, name)(xs))
    except Exception:
        return None
found = [value(name, xs) for name, xs in json.load(sys.stdin)]
json.dump(found, sys.stdout)
"""


def inspected(text: str) -> None:
    """Raises ValueError for a library that could do more than compute."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name not in ALLOWED:
                raise ValueError(f"library.py may not import {name!r}")
        word = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if word in FORBIDDEN or word.startswith("__"):
            raise ValueError(f"library.py may not use {word!r}")


def computed(library: Path, cases: list) -> list:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(library, Path(folder) / "library.py")
        command = [sys.executable, "-I", "-c", RUN, folder]
        done = subprocess.run(
            command, input=json.dumps(cases), cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
    if done.returncode:
        raise ValueError(f"library.py does not run: {done.stderr[-300:]}")
    return json.loads(done.stdout)


def right(value: object, wanted: float) -> bool:
    return isinstance(value, float) and abs(value - wanted) <= 1e-9 * abs(wanted)


def main() -> None:
    library, cases = Path("library.py"), json.loads(Path("final_cases.json").read_text())
    if library.is_symlink() or library.stat().st_size > 100_000:
        raise ValueError("library.py is a small file")
    inspected(library.read_text())
    found = computed(library, cases)
    passed = [right(value, exact(name, xs)) for value, (name, xs) in zip(found, cases, strict=True)]
    by_name = {name: sum(ok for ok, case in zip(passed, cases, strict=True) if case[0] == name) for name in FUNCTIONS}
    print(json.dumps({"status": "passed", "score": round(sum(passed) / len(passed), 4), "right": by_name}))


try:
    main()
except (OSError, ValueError, SyntaxError, RecursionError, subprocess.TimeoutExpired) as error:
    print(json.dumps({"status": "failed", "message": str(error)[:500]}))
