"""Run as a program: imports that are killed, or whose disk fills up, after each step; prints a list of what was seen.

import_driver.py killed|full|written-full FOLDER SOURCE STATE

For k = 0, 1, 2, ...: FOLDER/<k>/ gets a workspace, a copy of the folder STATE, and a folder for temporary files. A
child imports SOURCE there and is stopped after its k-th step, recovery follows, and another child imports it once more.
`full` is run inside a mount namespace, with FOLDER on a disk of its own.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
from full_disk import Filling, disk
from store_bench import check_whole

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.qualify.importing import Wishes, import_all
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.store.atomic import Step, no_step
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores, recover


class Killing:
    """A step that ends the process, the hard way, when it is reached for the k-th time."""

    def __init__(self, k: int) -> None:
        self.left = k
        self.reached = False

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def place(folder: Path) -> Home:
    return Home.open(folder / "workspace", state=folder / "state")


def imported(folder: Path, source: str, step: Step) -> dict[str, Any]:
    """What the import told, or the error."""
    try:
        stores = Stores.open(place(folder), step=step)
        (one,) = asyncio.run(import_all(Submitter(stores, Policy()), stores, source, Wishes()))
    except StateError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    errors = [[f.id, f.fix] for f in one.findings if f.severity == "error"]
    return {"status": one.status, "errors": errors}


def child(folder: Path, source: str, step: Step) -> dict[str, Any]:
    """The same in a process of its own, whose temporary files are in the folder; {} when it was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
        try:
            told = imported(folder, source, step)
            os.write(writing, json.dumps({**told, "reached": getattr(step, "reached", False)}).encode())
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else {}


def prepare(folder: Path, state: str) -> None:
    (folder / "tmp").mkdir(parents=True)
    shutil.copytree(state, folder / "state", symlinks=True)
    place(folder)


def left_behind(folder: Path) -> list[str]:
    return [p.name for p in (folder / "tmp").iterdir() if p.name.startswith("harness")]


def after(folder: Path, source: str) -> dict[str, Any]:
    """Recovery, what there is then, and what a second import comes to."""
    home = place(folder)
    notes = recover(home)
    between = sorted(check_whole(home).artifacts)
    again = child(folder, source, no_step)
    whole = check_whole(home)
    last = {"artifacts": sorted(whole.artifacts), "rejected": len(whole.quarantine)}
    return {"notes": notes, "between": between, "again": again, **last, "left": left_behind(folder)}


def killed(folder: Path, source: str, state: str) -> list[dict[str, Any]]:
    seen = []
    for k in count(1):
        place_k = folder / str(k)
        prepare(place_k, state)
        told = child(place_k, source, Killing(k))
        if told:
            return seen
        seen.append(after(place_k, source))
    raise AssertionError


def full(folder: Path, source: str, state: str, names: bool = True) -> list[dict[str, Any]]:
    seen = []
    for k in count(0):
        with disk(folder) as where:
            prepare(where, state)
            filling = Filling(where, k, names)
            told = child(where, source, filling)
            filling.free()
            if not told.pop("reached") and k:
                return seen
            seen.append({"told": told, **after(where, source)})
    raise AssertionError


if __name__ == "__main__":
    act: Callable[..., list[dict[str, Any]]] = {
        "killed": killed,
        "full": full,
        "written-full": partial(full, names=False),
    }[sys.argv[1]]
    print(json.dumps(act(Path(sys.argv[2]), *sys.argv[3:])))
