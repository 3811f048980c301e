"""Run as a program inside a mount namespace: what the store does on a disk that is read-only or full.

bad_disk.py read-only|full FOLDER; prints one JSON object. The home is FOLDER/workspace/.harnessgym.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path

from calls_bench import ended_as, event
from store_bench import Workshop

from harnessgym_mcp.core.policy import Telemetry
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.callstats import recent_calls
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.publish import Stores, recover
from harnessgym_mcp.store.registry import RegistryStore
from harnessgym_mcp.store.telemetry import TelemetryWriter

POLICY = Telemetry(flush=0.001, retry=0.01, queue=20_000)


def mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True)


def refusal(attempt: object) -> list[str]:
    try:
        attempt()
    except StateError as error:
        return [error.code, error.message, error.hint]
    return []


def telemetry(home: Home, events: int) -> dict[str, object]:
    writer = TelemetryWriter(home, POLICY, ended_as)
    for number in range(events):
        writer.put(event(tool=f"new-{number}", error="x" * 500))
    lost = writer.close(20)
    return {"lost": lost, "error": writer.error, "notes": writer.notes}


def read_only(folder: Path) -> dict[str, object]:
    home = Home.open(folder / "workspace", state=folder / "state")
    shop = Workshop(folder / "sources")
    stores = Stores.open(home)
    shop.publish(stores, "one")
    telemetry(home, 3)
    mount("--bind", str(home.root), str(home.root))
    mount("-o", "remount,ro,bind", str(home.root))
    return {
        "opened": refusal(lambda: Home.open(folder / "workspace", state=folder / "state")),
        "update": refusal(lambda: shop.publish(stores, "two")),
        "load": list(RegistryStore(Home.open(home.workspace, state=home.state, create=False)).load().artifacts),
        "recover": recover(home),
        "telemetry": telemetry(home, 5),
        "calls": [call["tool"] for call in recent_calls(home, 10)],
    }


def damaged_read_only(folder: Path) -> dict[str, object]:
    home = Home.open(folder / "workspace", state=folder / "state")
    Workshop(folder / "sources").publish(Stores.open(home), "one")
    home.registry.write_text("{")
    mount("--bind", str(home.root), str(home.root))
    mount("-o", "remount,ro,bind", str(home.root))
    store = RegistryStore(home)
    return {"load": list(store.load().artifacts), "notes": store.notes, "file": home.registry.read_text()}


def full(folder: Path) -> dict[str, object]:
    disk = folder / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=600k", "none", str(disk))
    home = Home.open(disk / "workspace", state=disk / "state")
    shop = Workshop(folder / "sources")
    stores = Stores.open(home)
    shop.publish(stores, "one")
    (shop.tree("two") / "ballast").write_bytes(b"x" * 1_000_000)
    outcome = {
        "publish": refusal(lambda: shop.publish(stores, "two")),
        "current": stores.registry.load().artifacts["demo"].current == shop.digest("one"),
        "left": [p.name for p in disk.rglob(".*") if ".new-" in p.name or ".partial-" in p.name],
        "recover": recover(home),
        "telemetry": telemetry(home, 2000),
    }
    return outcome | {"kept": len(recent_calls(home, 10_000))}


def full_then_free(folder: Path) -> dict[str, object]:
    disk = folder / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m", "none", str(disk))
    home = Home.open(disk / "workspace", state=folder / "state")
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 900_000)
    writer = TelemetryWriter(home, POLICY, ended_as)
    for number in range(200):
        writer.put(event(tool=f"t{number}", error="x" * 500))
    while not writer.error:
        threading.Event().wait(0.002)
    seen = writer.error
    ballast.unlink()
    return {"error": seen, "lost": writer.close(20), "kept": [c["tool"] for c in recent_calls(home, 1000)]}


if __name__ == "__main__":
    act = {"read-only": read_only, "damaged": damaged_read_only, "full": full, "freed": full_then_free}[sys.argv[1]]
    print(json.dumps(act(Path(sys.argv[2]))))
