"""asm-lens: what the compiler made of a C or C++ function, and why."""

import difflib
from pathlib import Path
from typing import Any

import assembly
import compiling
import definitions
import kinds
import loops
import remarks
from assembly import Function, Instruction
from compiling import Compiled, Source
from naming import named, only
from values import ToolError
from wire import Call, Tool, serve

MOST_FUNCTIONS = 40
MOST_LOOPS = 16
MOST_REMARKS = 120
MOST_DIFF = 160  # lines


def annotate(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `annotate`."""
    compiled = compiling.compile_source(call, Source.of(given), given.get("flags", "-O2"))
    function = only(_functions(call, compiled), given.get("function", ""))
    in_loops = {at for loop in loops.innermost(function) for at in loop.members}
    order = list(enumerate(function.instructions))
    if given.get("order", "source") == "source":
        order.sort(key=lambda pair: (bool(pair[1].origin), pair[1].origin, pair[1].line, pair[0]))
    offset, limit = given.get("offset", 0), given.get("limit", 250)
    chosen = order[offset : offset + limit]
    left = len(order) - offset - len(chosen)
    return {
        **_made_by(compiled),
        "function": function.name,
        "instructions": len(order),
        "lines": _grouped(chosen, in_loops, compiled.source),
        **({"next_offset": offset + len(chosen)} if left > 0 else {}),
    }


def _grouped(chosen: list[tuple[int, Instruction]], in_loops: set[int], source: list[str]) -> list[dict[str, Any]]:
    """Neighbours of the same source line together; each instruction with its number, * where in an innermost loop."""
    groups: list[dict[str, Any]] = []
    before = None
    for at, i in chosen:
        if (i.origin, i.line) != before:
            before = (i.origin, i.line)
            place = {"line": f"{i.origin}:{i.line}"} if i.origin else {"line": i.line}
            text = "" if i.origin else remarks.text_of(source, i.line)
            groups.append({**place, **({"source": text} if text else {}), "asm": []})
        labels = "".join(f"{label}: " for label in i.labels)
        groups[-1]["asm"].append(f"{at}{'*' if at in in_loops else ''} {labels}{i.text}")
    return groups


def tell_remarks(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `remarks`."""
    compiled = compiling.compile_source(call, Source.of(given), given.get("flags", "-O3"), remarks=True)
    wanted, topics = given.get("kinds", ["done", "missed"]), given.get("topics", remarks.USUAL)
    first, last = given.get("first_line", 1), given.get("last_line", len(compiled.source) + 1)
    every = remarks.parse(compiled)
    found = [
        (remark, count)
        for remark, count in every.items()
        if remark.kind in wanted and remark.topic in topics and first <= remark.line <= last
    ]
    return {
        **_made_by(compiled),
        "remarks": remarks.shown(found[:MOST_REMARKS], compiled.source),
        "shown": min(len(found), MOST_REMARKS),
        "matching": len(found),
        "all": len(every),
    }


def mix(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `mix`."""
    compiled = compiling.compile_source(call, Source.of(given), given.get("flags", "-O2"))
    functions, wanted = _functions(call, compiled), given.get("function", "")
    if wanted:
        functions = [only(functions, wanted)]
    cpu = _cpu(compiled)
    order = sorted(functions, key=lambda f: -len(f.instructions))
    rows = [_mix_of(function, cpu, len(functions) <= 8) for function in order[:MOST_FUNCTIONS]]
    return {**_made_by(compiled), "functions": rows, "not_shown": [f.name for f in order[MOST_FUNCTIONS:]][:100]}


def _mix_of(function: Function, cpu: kinds.X86 | kinds.Arm, with_loops: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"function": function.name, **kinds.mix(function.instructions, cpu)}
    found = loops.innermost(function)
    if not with_loops:
        return {**row, "loops": len(found)}
    return {**row, "loops": [_loop(function, loop, cpu) for loop in found[:MOST_LOOPS]]}


def _loop(function: Function, loop: loops.Loop, cpu: kinds.X86 | kinds.Arm) -> dict[str, Any]:
    inside = [function.instructions[at] for at in loop.members]
    lines = [i.line for i in inside if i.line and not i.origin]
    return {"label": loop.label, "lines": [min(lines), max(lines)] if lines else [], **kinds.mix(inside, cpu)}


def compare_flags(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `compare_flags`."""
    source, wanted = Source.of(given), given.get("function", "")
    rows: list[dict[str, Any]] = []
    listings: list[list[str]] = []
    for flags in given["flag_sets"]:
        compiled = compiling.compile_source(call, source, flags)
        functions = _functions(call, compiled)
        functions = [only(functions, wanted)] if wanted else functions
        listing = _normalised(functions)
        same = next((row["flags"] for row, other in zip(rows, listings, strict=True) if other == listing), None)
        rows.append({"flags": flags, **_totals(functions, _cpu(compiled)), **({"same_code_as": same} if same else {})})
        listings.append(listing)
    answer = {"compiler": _name(compiled), "function": wanted or "all", "sets": rows}
    return {**answer, "diff": _diff(given["flag_sets"], listings)} if given.get("diff", False) else answer


def _totals(functions: list[Function], cpu: kinds.X86 | kinds.Arm) -> dict[str, Any]:
    states = [
        kinds.vectorised([function.instructions[at] for at in loop.members], cpu)
        for function in functions
        for loop in loops.innermost(function)
    ]
    together = kinds.mix([i for function in functions for i in function.instructions], cpu)
    return {**together, "loops": {"innermost": len(states), **{s: states.count(s) for s in ("yes", "partly", "no")}}}


def _normalised(functions: list[Function]) -> list[str]:
    """Labels numbered in order of appearance, so that the same code looks the same."""
    numbers: dict[str, str] = {}
    for function in functions:
        for i in function.instructions:
            for label in i.labels:
                numbers.setdefault(label, f"L{len(numbers)}")
    lines = []
    for function in functions:
        lines.append(f"{function.name}:")
        for i in function.instructions:
            lines += [f"{numbers[label]}:" for label in i.labels]
            words = [numbers.get(word, word) for word in i.text.split(" ")]
            lines.append("  " + " ".join(words))
    return lines


def _diff(names: list[str], listings: list[list[str]]) -> list[str]:
    lines = list(difflib.unified_diff(listings[0], listings[1], names[0], names[1], n=2, lineterm=""))
    return lines[:MOST_DIFF] + ([f"... and {len(lines) - MOST_DIFF} more lines"] if len(lines) > MOST_DIFF else [])


def list_compilers(call: Call) -> dict[str, Any]:
    """The tool `compilers`."""
    found = compiling.compilers(call)
    return {
        "compilers": [compiler._asdict() for compiler in found],
        "says": "" if found else "no C compiler is installed here; install gcc or clang to use the other tools",
        "vector_extensions": _extensions(),
    }


def _extensions() -> list[str]:
    """The processor's, as Linux names them; none where that cannot be read."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return []
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    wanted = ("sse4", "avx", "fma", "f16c", "bmi", "amx", "asimd", "sve", "fphp", "bf16", "i8mm")
    return [word for word in line.partition(":")[2].split() if word.startswith(wanted)]


# ---- shared


def _functions(call: Call, compiled: Compiled) -> list[Function]:
    found = named(call, assembly.functions(compiled.assembly, compiled.name, compiled.compiler.target))
    if not found:
        raise ToolError("the compiler made no code of this: are all functions static or inline, and unused?")
    return found


def _cpu(compiled: Compiled) -> kinds.X86 | kinds.Arm:
    cpu = kinds.machine(compiled.compiler.target)
    if cpu is None:
        raise ToolError(f"instructions of {compiled.compiler.target} are not known here; use annotate or remarks")
    return cpu


def _name(compiled: Compiled) -> str:
    compiler = compiled.compiler
    return f"{compiler.name} {compiler.version} for {compiler.target}"


def _made_by(compiled: Compiled) -> dict[str, Any]:
    warnings = [line for line in compiled.warnings.splitlines() if "warning:" in line]
    made = {"compiler": _name(compiled), "flags": " ".join(compiled.flags)}
    return {**made, "warnings": [line[:200] for line in warnings[:5]]} if warnings else made


TOOLS = (
    Tool(**definitions.MIX, run=mix),
    Tool(**definitions.ANNOTATE, run=annotate),
    Tool(**definitions.REMARKS, run=tell_remarks),
    Tool(**definitions.COMPARE_FLAGS, run=compare_flags),
    Tool(**definitions.COMPILERS, run=list_compilers),
)

if __name__ == "__main__":
    serve("asm-lens", "1.0.0", TOOLS)
