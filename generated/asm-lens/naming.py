"""Names of functions: readable ones, and the one that is meant."""

import shutil

from assembly import Function
from commands import run
from values import ToolError
from wire import Call


def named(call: Call, functions: list[Function]) -> list[Function]:
    """With C++ names made readable, where c++filt is there."""
    mangled = [f.name for f in functions if f.name.lstrip("_").startswith("Z")][:500]
    if not mangled or not shutil.which("c++filt"):
        return functions
    outcome = run(call, ["c++filt", *mangled], 10.0)
    plain = dict(zip(mangled, outcome.stdout.splitlines(), strict=False)) if outcome.code == 0 else {}
    return [Function(plain.get(f.name, f.name), f.instructions) for f in functions]


def only(functions: list[Function], wanted: str) -> Function:
    """The function that is meant; raises ToolError, with the names there are, where that is not clear."""
    if not wanted and len(functions) == 1:
        return functions[0]
    names = ", ".join(f.name[:80] for f in functions[:40])
    if not wanted:
        raise ToolError(f"there are several functions; name one of: {names}")
    for means in (_exactly, _without_arguments, _somewhere):
        found = [f for f in functions if means(f.name, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ToolError(f"{wanted!r} may be any of: {', '.join(f.name[:120] for f in found[:20])}")
    raise ToolError(f"there is no function {wanted[:100]!r} in the assembly (inlined everywhere?); there are: {names}")


def _exactly(name: str, wanted: str) -> bool:
    return name in (wanted, f"_{wanted}")


def _without_arguments(name: str, wanted: str) -> bool:
    """`ns::f` or `f` means `ns::f(int)`."""
    plain = name.partition("(")[0]
    return plain == wanted or plain.endswith(f"::{wanted}")


def _somewhere(name: str, wanted: str) -> bool:
    return wanted in (name if "(" in wanted else name.partition("(")[0])
