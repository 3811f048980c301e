"""What can be tried: patches of the source, combinations of flags, combinations of a JSON plan's values."""

import copy
import json
import math
import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import journal
from values import ToolError

MOST = 64  # variants of one sweep, the original not counted


class Variant(NamedTuple):
    """One thing to try: contents of files, the command that scores it, and its environment on top of the usual."""

    name: str
    command: str
    files: journal.Contents = MappingProxyType({})
    env: Mapping[str, str] = MappingProxyType({})


ORIGINAL = "original"


# ---- patches


def patches(command: str, given: list[dict[str, Any]]) -> list[Variant]:
    """The original, then each patch; raises ToolError for one that does not apply."""
    names = [patch["name"] for patch in given]
    if len({*names, ORIGINAL}) <= len(names):
        raise ToolError(f"the patches need names that differ from one another and from {ORIGINAL!r}")
    return [Variant(ORIGINAL, command), *(Variant(p["name"], command, _patched(p)) for p in given)]


def _patched(patch: dict[str, Any]) -> dict[str, bytes | None]:
    """The contents of all files that a patch touches; its edits are done one after the other."""
    files: dict[str, bytes | None] = {}
    for number, edit in enumerate(patch["edits"]):
        path = edit["path"]
        before = files[path] if path in files else journal.read(path)
        files[path] = _edited(before, edit, f"patch {patch['name']!r}, edit {number + 1} of {path}")
    return files


def _edited(before: bytes | None, edit: dict[str, Any], where: str) -> bytes:
    if "content" in edit:
        if "find" in edit or "replace" in edit:
            raise ToolError(f"{where}: give either content or find and replace")
        return str(edit["content"]).encode()
    if "find" not in edit or "replace" not in edit:
        raise ToolError(f"{where}: give find and replace, or the whole content")
    if before is None:
        raise ToolError(f"{where}: there is no such file to find anything in")
    find, replace = edit["find"].encode(), edit["replace"].encode()
    count = before.count(find)
    if count == 0:
        raise ToolError(f"{where}: {edit['find'][:200]!r} does not occur; copy it from the file, blanks included")
    if count > 1 and not edit.get("all", False):
        raise ToolError(f"{where}: {edit['find'][:200]!r} occurs {count} times; say more of it, or set all: true")
    return before.replace(find, replace)


# ---- grids


def flags(command: str, grid: dict[str, list[str]], seed: int) -> tuple[list[Variant], int]:
    """Variants of the command, and how many combinations there are; the first value of each axis comes first."""
    found = []
    for values in _combinations(grid, seed):
        text = command
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        found.append(Variant(_named(values), text, env=values))
    return found, _size(grid)


def plans(command: str, plan_file: str, grid: dict[str, list[Any]], seed: int) -> tuple[list[Variant], int]:
    """Variants of a JSON file; the original (or its absence) comes first."""
    content = journal.read(plan_file)
    try:
        plan = json.loads(content) if content is not None else {}
    except (ValueError, RecursionError) as error:
        raise ToolError(f"{plan_file} is not JSON: {error}") from None
    found = [Variant(ORIGINAL, command)]
    for values in _combinations(grid, seed):
        text = json.dumps(_with(plan, values), indent=2, ensure_ascii=False) + "\n"
        found.append(Variant(_named(values), command, {plan_file: text.encode("utf-8", "replace")}))
    return found, _size(grid)


def _with(plan: Any, values: Mapping[str, Any]) -> Any:
    """A copy of the plan with values put at dotted keys; parts of a key that are numbers count places in lists."""
    changed = copy.deepcopy(plan)
    for key, value in values.items():
        *parents, last = key.split(".")
        target = changed
        for part in parents:
            target = _inside(target, part, key)
        _put(target, last, value, key)
    return changed


def _inside(target: Any, part: str, key: str) -> Any:
    if isinstance(target, dict):
        return target.setdefault(part, {})
    if isinstance(target, list) and part.isdigit() and int(part) < len(target):
        return target[int(part)]
    raise ToolError(f"the plan has no place for {part!r} of {key!r}")


def _put(target: Any, part: str, value: Any, key: str) -> None:
    if isinstance(target, dict):
        target[part] = value
    elif isinstance(target, list) and part.isdigit() and int(part) < len(target):
        target[int(part)] = value
    else:
        raise ToolError(f"the plan has no place for {part!r} of {key!r}")


def _size(grid: Mapping[str, list[Any]]) -> int:
    return math.prod(len(values) for values in grid.values())


def _combinations(grid: Mapping[str, list[Any]], seed: int) -> Iterator[dict[str, Any]]:
    """All of them, or, where there are too many, the first and others drawn at random."""
    size = _size(grid)
    numbers = range(size)
    if size > MOST:
        numbers = [0, *sorted(random.Random(seed).sample(range(1, size), MOST - 1))]  # type: ignore[assignment]
    for number in numbers:
        values = {}
        for name, choices in reversed(list(grid.items())):
            number, at = divmod(number, len(choices))
            values[name] = choices[at]
        yield {name: values[name] for name in grid}


def _named(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in values.items())[:160]
