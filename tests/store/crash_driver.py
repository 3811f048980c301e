"""Run as a program: performs transitions and is killed, at a chosen step or by its parent at any moment.

crash_driver.py stepped FOLDER TRANSITION    for k = 1, 2, ...: FOLDER/<k>/ gets a prepared home, and a forked
                                             child that kills itself after its k-th step; prints the last k
crash_driver.py endless FOLDER               transitions for ever in FOLDER/home
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path

from store_bench import Workshop

from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores, archive, restore, rollback


def first(stores: Stores, shop: Workshop) -> None:
    shop.publish(stores, "one", 1.0)


def upgrade(stores: Stores, shop: Workshop) -> None:
    shop.publish(stores, "two", 2.0)


TRANSITIONS: dict[str, tuple[list[Callable[[Stores, Workshop], object]], Callable[[Stores, Workshop], object]]] = {
    "publish the first": ([], first),
    "publish another": ([first], upgrade),
    "reject": ([first], lambda stores, shop: shop.reject(stores, "bad")),
    "reject again": ([first, lambda stores, shop: shop.reject(stores, "bad")], lambda s, shop: shop.reject(s, "bad")),
    "roll back": ([first, upgrade], lambda stores, _: rollback(stores, "demo")),
    "archive": ([first], lambda stores, _: archive(stores, "demo")),
    "restore": ([first, lambda stores, _: archive(stores, "demo")], lambda stores, _: restore(stores, "demo")),
}


class KillAt:
    """A step that ends the process, the hard way, when it is reached for the k-th time."""

    def __init__(self, k: int) -> None:
        self.left = k

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def stepped(folder: Path, transition: str) -> None:
    before, act = TRANSITIONS[transition]
    for k in count(1):
        home = Home.open(folder / str(k) / "workspace", state=folder / str(k) / "state")
        shop = Workshop(folder / "sources")
        for prepare in before:
            prepare(Stores.open(home), shop)
        child = os.fork()
        if child == 0:
            act(Stores.open(home, step=KillAt(k)), shop)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            print(k - 1)
            shutil.rmtree(folder / str(k), onerror=_make_writable)
            return


def _make_writable(remove: Callable[[str], object], path: str, error: object) -> None:
    os.chmod(os.path.dirname(path), 0o700)
    os.chmod(path, 0o700)
    shutil.rmtree(path, onerror=_make_writable) if os.path.isdir(path) else os.unlink(path)


def endless(folder: Path) -> None:
    stores = Stores.open(Home.open(folder / "home" / "workspace", state=folder / "home" / "state"))
    shop = Workshop(folder / "sources")
    shop.publish(stores, "one", 1.0)
    print("ready", flush=True)
    for act in cycle([upgrade, TRANSITIONS["reject"][1], TRANSITIONS["roll back"][1], _away_and_back, first]):
        act(stores, shop)


def _away_and_back(stores: Stores, shop: Workshop) -> None:
    archive(stores, "demo")
    restore(stores, "demo")


if __name__ == "__main__":
    if sys.argv[1] == "stepped":
        stepped(Path(sys.argv[2]), sys.argv[3])
    else:
        endless(Path(sys.argv[2]))
