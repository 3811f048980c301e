"""What an iteration built, seen from outside: the slots' record and the registry. Nothing is asked of the agent."""

import time

from msgspec.structs import replace

from harnessgym_mcp.core.iteration import Iteration, close_slot
from harnessgym_mcp.core.lifecycle import Registry
from harnessgym_mcp.core.names import join
from harnessgym_mcp.core.run_state import Built
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.iterations import IterationStore
from harnessgym_mcp.store.registry import RegistryStore

__all__ = ["built_by", "close_left_open", "offered_tools", "retire", "slot_of"]


def offered_tools(home: Home) -> list[str]:
    """`<artifact>__<tool>` of all that is active, in the order of listing."""
    artifacts = RegistryStore(home).load().artifacts
    active = [a for _, a in sorted(artifacts.items()) if a.status == "active" and a.versions]
    return [join(a.name, str(t["name"])) for a in active for t in a.version.tools]


def slot_of(home: Home, run: str, iteration: int) -> Iteration | None:
    """The build slot that this iteration of the run opened."""
    found = [i for i in IterationStore(home).read() if (i.run, i.step) == (run, str(iteration))]
    return found[-1] if found else None


def close_left_open(home: Home, run: str, iteration: int, reason: str) -> None:
    """No slot outlives its iteration."""
    held = slot_of(home, run, iteration)
    if held and held.state == "open":
        IterationStore(home).update(lambda all: close_slot(all, held.id, "abandoned", at=time.time(), reason=reason))


def retire(home: Home, run: str, iteration: int, number: int) -> None:
    """An attempt that was interrupted is done again: what it may have opened no longer counts as this iteration's."""
    close_left_open(home, run, iteration, "the attempt was interrupted")
    if slot_of(home, run, iteration):
        step = str(iteration)
        IterationStore(home).update(
            lambda all: [replace(i, step=f"{step}.{number}") if (i.run, i.step) == (run, step) else i for i in all]
        )


def built_by(home: Home, run: str, iteration: int) -> Built | None:
    """What came of the iteration's slot; None where none was opened."""
    slot = slot_of(home, run, iteration)
    if slot is None or slot.state == "open":
        return None
    digest = slot.attempts[-1].digest if slot.attempts else ""
    return Built(
        name=slot.name,
        state=slot.state,
        kind=slot.kind,
        why=slot.why,
        digest=digest,
        tools=_tools(RegistryStore(home).load(), slot.name, digest) if slot.state == "qualified" else [],
        submissions=len(slot.attempts),
        rejections=[a.findings for a in slot.attempts if a.status == "rejected"],
        prediction=slot.prediction,
        reason=slot.reason,
    )


def _tools(registry: Registry, name: str, digest: str) -> list[str]:
    artifact = registry.artifacts.get(name)
    version = next((v for v in artifact.versions if v.digest == digest), None) if artifact else None
    return [join(name, str(t["name"])) for t in version.tools] if version else []
