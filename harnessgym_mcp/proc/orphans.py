"""What fronts that died without ending their servers have left: processes, private folders, control groups.

Only what carries a tag of ours whose front, in this same pid namespace, is dead. A front sweeps its own family at once,
and what nobody else came for within `age` seconds: another family may have a sweep of its own under way, or a reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.proc.cgroups import leftover_groups
from harnessgym_mcp.proc.groups import kill_tagged
from harnessgym_mcp.proc.leftovers import remove_leftover
from harnessgym_mcp.proc.processes import find_variable
from harnessgym_mcp.proc.scratch import leftover_folders
from harnessgym_mcp.proc.tags import TAG, family_of, parse_tag

__all__ = ["Orphans", "find_orphans", "sweep_orphans"]


@dataclass(frozen=True, slots=True)
class Orphans:
    """`processes` are pid -> tag; `places` are folders and control groups."""

    processes: dict[int, str]
    places: list[Path]


def find_orphans(state: Path, age: float) -> Orphans:
    """What a front with this state folder is to sweep. `age` in seconds."""
    ours = _ours(family_of(state), age)
    places: Iterable[tuple[str, Path]] = [*leftover_folders(), *leftover_groups()]
    return Orphans(
        {pid: tag for pid, tag in find_variable(TAG) if ours(tag)}, [place for tag, place in places if ours(tag)]
    )


def sweep_orphans(state: Path, age: float) -> int:
    """End the processes, remove the rest. Gives how many processes ended."""
    orphans = find_orphans(state, age)
    ended = sum(map(kill_tagged, set(orphans.processes.values())))
    for place in orphans.places:
        remove_leftover(place)
    return ended


def _ours(family: str, age: float) -> Callable[[str], bool]:
    def ours(text: str) -> bool:
        tag = parse_tag(text)
        return tag is not None and tag.orphaned and (tag.family in (family, "") or tag.age > age)

    return ours
