"""Innermost loops of a function, found in its graph of jumps: blocks are laid out in any order."""

import re
from typing import NamedTuple

from assembly import Function, Instruction

_JUMP = re.compile(r"j[a-z]+|loop\w*|b(?:\.\w+|r)?|cbn?z|tbn?z")
_NO_WAY_ON = re.compile(r"jmp|b|br|ret[a-z]*|ud2|hlt|brk")


class Loop(NamedTuple):
    """`members` are places of instructions in the function, in order; `label` is where the loop begins."""

    label: str
    members: tuple[int, ...]


def innermost(function: Function) -> list[Loop]:
    """In the order of their beginnings."""
    code = function.instructions
    ways = _ways(code)
    loops: dict[int, set[int]] = {}
    for end, head in _backwards(ways):
        loops.setdefault(head, {head}).update(_body(ways, end, head))
    inner = {h: body for h, body in loops.items() if not any(o != h and o in body for o in loops)}
    return [Loop(" ".join(code[head].labels), tuple(sorted(body))) for head, body in sorted(inner.items())]


def _ways(code: list[Instruction]) -> list[list[int]]:
    """From each instruction, the places where it may go on."""
    places = {label: at for at, i in enumerate(code) for label in i.labels}
    ways = []
    for at, i in enumerate(code):
        target = places.get(i.operands.rpartition(",")[2].strip()) if _JUMP.fullmatch(i.mnemonic) else None
        on = [] if _NO_WAY_ON.fullmatch(i.mnemonic) or at + 1 == len(code) else [at + 1]
        ways.append(on if target is None else [*on, target])
    return ways


def _backwards(ways: list[list[int]]) -> list[tuple[int, int]]:
    """Steps that lead to a place through which they were reached (depth first, without recursion)."""
    found, seen = [], [False] * len(ways)
    for root in range(len(ways)):
        if seen[root]:
            continue
        seen[root] = True
        path, open_places = [(root, iter(ways[root]))], {root}
        while path:
            at, rest = path[-1]
            step = next(rest, None)
            if step is None:
                path.pop()
                open_places.discard(at)
            elif step in open_places:
                found.append((at, step))
            elif not seen[step]:
                seen[step] = True
                path.append((step, iter(ways[step])))
                open_places.add(step)
    return found


def _body(ways: list[list[int]], end: int, head: int) -> set[int]:
    """Everything from which the end can be reached without passing the head."""
    sources: list[list[int]] = [[] for _ in ways]
    for at, steps in enumerate(ways):
        for step in steps:
            sources[step].append(at)
    body, todo = {head}, [end]
    while todo:
        at = todo.pop()
        if at not in body:
            body.add(at)
            todo += sources[at]
    return body
