"""What the families share: writing a task's folder, and the command line of their generators."""

import argparse
import json
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Parts", "main"]


@dataclass(frozen=True)
class Parts:
    """One task: its prompt, its files by path, and what goes into task.json besides."""

    prompt: str
    workspace: Mapping[str, str]
    final: Mapping[str, str]
    told: Mapping[str, Any] = field(default_factory=dict)


def main(family: Path, make: Callable[[random.Random], Parts]) -> None:
    """`generate.py --seed N --out DIR`: equal seeds give equal tasks. The family's verify.py joins the final files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    parts = make(random.Random(f"{family.name}/{given.seed}"))
    _write(given.out / "workspace", {"TASK.md": parts.prompt, **parts.workspace})
    _write(given.out / "final", parts.final)
    shutil.copyfile(family / "verify.py", given.out / "final" / "verify.py")
    task = {
        "harnessgym_task": 1,
        "id": f"{family.name}-{given.seed}",
        "family": family.name,
        "seed": given.seed,
        "prompt": "workspace/TASK.md",
        "workspace": "workspace",
        "held_out_files": "final",
        "score_command": "python3 verify.py",
        **parts.told,
    }
    (given.out / "task.json").write_text(json.dumps(task, indent=1) + "\n", encoding="utf-8")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
