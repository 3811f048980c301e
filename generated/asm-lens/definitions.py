"""The tools as their callers see them: when to use each, and what it takes."""

from typing import Any

import remarks
from values import arguments

SOURCE: dict[str, Any] = {
    "path": {"type": "string", "minLength": 1, "description": "A C or C++ file of the workspace. Or give `code`."},
    "code": {"type": "string", "minLength": 1, "description": "The source itself, whole enough to compile."},
    "language": {"type": "string", "enum": ["c", "c++"], "description": "Default: by the file's name; c for code."},
    "compiler": {"type": "string", "description": "Such as clang or g++-12. Default: the first of gcc, clang, cc."},
    "flags_from_build": {
        "type": "boolean",
        "description": "Take -I, -D, -std, -f and -m for the file from compile_commands.json, if the workspace or its "
        "build folder has one. Default true.",
    },
}
FLAGS = {
    "type": "string",
    "description": 'Compiler flags, such as "-O3 -march=native -ffast-math". Default -O2.',
}
FUNCTION = {"type": "string", "minLength": 1, "description": "The function's name; needed where there are several."}

ANNOTATE: dict[str, Any] = {
    "name": "annotate",
    "description": """
        Compile one function and show its assembly under the source lines that it came from; instructions of innermost
        loops are marked *. Use it to see what the compiler really made of a hot loop: was it vectorised, are there
        spills, bounds checks, divisions, calls that should have been inlined? For counts use mix, for the compiler's
        reasons use remarks.
        """,
    "schema": arguments(
        **SOURCE,
        flags=FLAGS,
        function=FUNCTION,
        order={
            "type": "string",
            "enum": ["source", "program"],
            "description": "source: grouped by source line (default); program: as it will run.",
        },
        offset={"type": "integer", "minimum": 0, "description": "Instructions to skip, for long functions."},
        limit={"type": "integer", "minimum": 1, "maximum": 400, "description": "Instructions to show; default 250."},
    ),
}

REMARKS: dict[str, Any] = {
    "name": "remarks",
    "description": """
        What the compiler says it optimised and what it could not, by source line: vectorised loops and their width,
        loops that were not and why (aliasing, control flow, unsupported data), inlining, unrolling. Use it when a loop
        is not vectorised or a call is not inlined and you need the reason. From gcc's -fopt-info or clang's -Rpass.
        """,
    "schema": arguments(
        **SOURCE,
        flags={**FLAGS, "description": "Compiler flags; without optimisation there is nothing to say. Default -O3."},
        kinds={
            "type": "array",
            "items": {"type": "string", "enum": list(remarks.KINDS)},
            "description": "done, missed, why (the analysis behind; long). Default done and missed.",
        },
        topics={
            "type": "array",
            "items": {"type": "string", "enum": list(remarks.TOPICS)},
            "description": "Default vector, inline and loop.",
        },
        first_line={"type": "integer", "minimum": 1, "description": "Only from this line of the source on."},
        last_line={"type": "integer", "minimum": 1, "description": "Only up to this line."},
    ),
}

MIX: dict[str, Any] = {
    "name": "mix",
    "description": """
        Count what a function's instructions do: packed vector work, whole-vector moves, scalar floating point, integer,
        memory, branches, calls; vector widths in bits; stack traffic (spills); divisions, gathers, shuffles, fused
        multiply-adds. Innermost loops are counted by themselves, each with its source lines and whether it is
        vectorised: yes, partly, no. Use it first, to find the loop worth reading; without `function` it lists all.
        """,
    "schema": arguments(**SOURCE, flags=FLAGS, function=FUNCTION),
}

COMPARE_FLAGS: dict[str, Any] = {
    "name": "compare_flags",
    "description": """
        Compile the same function under several sets of flags and put the instruction mixes side by side: instructions,
        vector widths, loops vectorised, and which sets give the very same code. Use it to learn what -O3, -march,
        -ffast-math or -fno-strict-aliasing change before measuring any of them; with diff, the first two sets'
        assembly line by line.
        """,
    "schema": arguments(
        "flag_sets",
        **SOURCE,
        function=FUNCTION,
        flag_sets={
            "type": "array",
            "minItems": 2,
            "maxItems": 8,
            "items": {"type": "string"},
            "description": '["-O2", "-O3", "-O3 -march=x86-64-v3"]',
        },
        diff={"type": "boolean", "description": "Also show how the second set's assembly differs from the first's."},
    ),
}

COMPILERS: dict[str, Any] = {
    "name": "compilers",
    "description": """
        Which C and C++ compilers are installed, their versions and targets, and the vector extensions of this machine's
        processor. Use it before choosing -march or a compiler by name.
        """,
    "schema": arguments(),
}
