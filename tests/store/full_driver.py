"""Run as a program inside a mount namespace: transitions whose disk fills up after each step; prints what was seen.

full_driver.py FOLDER TRANSITION    for k = 0, 1, 2, ...: a disk at FOLDER with a prepared home, full after the
                                    transition's k-th step; what came of it, and of the same once there is room again
"""

import json
import sys
from itertools import count
from pathlib import Path
from typing import Any

from crash_driver import TRANSITIONS
from full_disk import Filling, disk
from store_bench import Workshop, check_whole, described

from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores, recover


def attempt(stores: Stores, shop: Workshop, transition: str) -> dict[str, str]:
    try:
        TRANSITIONS[transition][1](stores, shop)
    except StateError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return {}


def whole(home: Home, shop: Workshop) -> str | None:
    return described(check_whole(home), shop)


def one(where: Path, shop: Workshop, transition: str, k: int) -> dict[str, Any] | None:
    home = Home.open(where / "workspace", state=where / "state")
    for prepare in TRANSITIONS[transition][0]:
        prepare(Stores.open(home), shop)
    before = whole(home, shop)
    filling = Filling(where, k)
    told = attempt(Stores.open(home, step=filling), shop, transition)
    if not filling.reached:
        return None
    full = described(Stores.open(home).registry.load(), shop)
    recover(home)  # on a full disk it may do nothing, and must do no harm
    filling.free()
    notes = recover(home)
    between = whole(home, shop)
    again = attempt(Stores.open(home), shop, transition) if between == before else {}
    seen = {"before": before, "told": told, "full": full, "between": between, "notes": notes}
    return {**seen, "again": again, "after": whole(home, shop)}


def main(folder: Path, transition: str) -> list[dict[str, Any]]:
    shop = Workshop(folder.parent / "sources")
    seen = []
    for k in count(0):
        with disk(folder) as where:
            found = one(where, shop, transition, k)
        if found is None:
            return seen
        seen.append(found)
    raise AssertionError


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
