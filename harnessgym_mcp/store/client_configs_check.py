"""Does a client's config say what it should, and of everything else the same as before?"""

import copy
import json
from typing import Any

from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.store.client_configs_places import Add, FileWish, Put

__all__ = ["OURS", "check_ours", "holds", "look", "says"]

OURS = "harnessgym"


def check_ours(value: Any, wish: FileWish) -> None:
    """An entry of this name that starts something else is somebody else's."""
    entry = wish.edits[0]
    there = look(value, entry.path) if isinstance(entry, Put) else None
    if isinstance(there, dict) and OURS not in json.dumps([there.get("command"), there.get("args")], default=str):
        raise UsageError(f"{'.'.join(entry.path)} is another server", hint="--name NAME gives HarnessGym another name")


def holds(old: Any, new: Any, wish: FileWish, *, connect: bool) -> bool:
    """Does the new value say what was meant, and of all else what the old one said?"""
    for edit in wish.edits:
        there = look(new, edit.path)
        if connect and not says(there, edit):
            return False
    return bool(_rest(old, wish) == _rest(new, wish))


def says(there: Any, edit: Put | Add) -> bool:
    """Is it already as the edit would have it?"""
    if isinstance(edit, Put):
        return _contains(there, edit.value)
    return (isinstance(there, list) and edit.item in there) == edit.there


def _contains(there: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(there, dict) and all(_contains(there.get(key), each) for key, each in value.items())
    return bool(there == value)


def _rest(value: Any, wish: FileWish) -> Any:
    """The value without what the wish is about, and without what is empty then."""
    value = copy.deepcopy(value)
    for edit in wish.edits:
        parents = [look(value, edit.path[:depth]) for depth in range(len(edit.path))]
        holder = parents[-1]
        if isinstance(holder, dict) and isinstance(edit, Put):
            holder.pop(edit.path[-1], None)
        elif isinstance(holder, dict) and isinstance(holder.get(edit.path[-1]), list) and isinstance(edit, Add):
            holder[edit.path[-1]] = [item for item in holder[edit.path[-1]] if item != edit.item]
        for depth in reversed(range(len(edit.path))):
            if isinstance(parents[depth], dict) and not parents[depth].get(edit.path[depth], True):
                del parents[depth][edit.path[depth]]
    return value


def look(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
