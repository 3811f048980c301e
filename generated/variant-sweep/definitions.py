"""The tools as their callers see them: when to use each, and what it takes."""

from typing import Any

from score import FORMS, PATTERN
from values import arguments
from variants import MOST

COMMON: dict[str, Any] = {
    "score": {
        "type": "string",
        "pattern": PATTERN,
        "description": f"What the command's result is: {FORMS}. Default stdout: the last number on its last line.",
    },
    "better": {"type": "string", "enum": ["lower", "higher"], "description": "Which scores are better; default lower."},
    "rounds": {
        "type": "integer",
        "minimum": 1,
        "maximum": 30,
        "description": "How often each variant is scored, in turns; default 1. From 3 on, noise is told apart.",
    },
    "check": {
        "type": "string",
        "minLength": 1,
        "description": "A command that has to succeed with the variant in place, such as the tests; else it fails.",
    },
    "after": {
        "type": "string",
        "minLength": 1,
        "description": "A command to run once the original is back, such as a rebuild: what the last variant built is "
        "still there otherwise.",
    },
    "timeout_s": {
        "type": "number",
        "minimum": 0.1,
        "maximum": 270,
        "description": "Seconds for one command; default 60.",
    },
    "budget_s": {
        "type": "number",
        "minimum": 1,
        "maximum": 270,
        "description": "Seconds for the whole sweep; default 240. What does not fit is listed under not_run.",
    },
}
_RUN = "A shell command that builds and scores, run in the workspace without network. It has to exit with 0."
COMMAND = {"type": "string", "minLength": 1, "description": _RUN}
SEED = {"type": "integer", "description": f"For drawing from more than {MOST} combinations; default 0."}

_EDIT = arguments(
    "path",
    path={"type": "string", "minLength": 1, "description": "A file, relative to the workspace."},
    find={"type": "string", "minLength": 1, "description": "Text that occurs once, exactly as in the file."},
    replace={"type": "string", "description": "What takes its place."},
    all={"type": "boolean", "description": "Replace every occurrence."},
    content={"type": "string", "description": "Instead of find and replace: the whole new content."},
)

SWEEP_PATCHES: dict[str, Any] = {
    "name": "sweep_patches",
    "description": """
        Try several versions of the source against a command that prints a score, and get them ranked. Use it when there
        are two or more ideas for the same code: other loop orders, constants, data structures, library calls. Each
        patch is a list of text replacements (or whole contents) in files of the workspace; it is put in place, checked,
        scored, and taken out again. The original is scored first for comparison and is always restored, also after a
        failure, a timeout, a cancellation or a killed server. Nothing is kept: apply the winner yourself.
        """,
    "schema": arguments(
        "command",
        "patches",
        command=COMMAND,
        patches={
            "type": "array",
            "minItems": 1,
            "maxItems": MOST,
            "items": arguments(
                "name",
                "edits",
                name={"type": "string", "minLength": 1, "maxLength": 80, "description": "A short name for the idea."},
                edits={"type": "array", "minItems": 1, "maxItems": 20, "items": _EDIT},
            ),
            "description": "The versions to try.",
        },
        **COMMON,
    ),
}

SWEEP_FLAGS: dict[str, Any] = {
    "name": "sweep_flags",
    "description": """
        Try combinations of flags or settings against a command that prints a score, and get them ranked. Use it for
        compiler flags, thread counts, environment variables, command-line options. Write {NAME} in the command where a
        value goes; every value is an environment variable of that name as well. The first value of each axis is the
        point of comparison, so put today's setting first. No file is changed.
        """,
    "schema": arguments(
        "command",
        "grid",
        command={**COMMAND, "description": f"{_RUN} {{NAME}} stands for the value of an axis."},
        grid={
            "type": "object",
            "minProperties": 1,
            "maxProperties": 8,
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "maxItems": 32,
                "items": {"type": "string", "maxLength": 400},
            },
            "description": 'Axes by name: {"OPT": ["-O2", "-O3"], "OMP_NUM_THREADS": ["1", "2"]}. All combinations are '
            f"tried, up to {MOST}.",
        },
        seed=SEED,
        **COMMON,
    ),
}

SWEEP_PLAN: dict[str, Any] = {
    "name": "sweep_plan",
    "description": """
        Try combinations of values in a JSON file that a program reads against a command that prints a score, and get
        them ranked. Use it to tune a plan, a config, or hyper-parameters. Keys are dotted paths into the file:
        tile.rows, layers.0.size. The file as it is (or its absence) is scored first for comparison and is always
        restored, also after a failure, a cancellation or a killed server.
        """,
    "schema": arguments(
        "command",
        "plan_file",
        "grid",
        command=COMMAND,
        plan_file={"type": "string", "minLength": 1, "description": "The JSON file, relative to the workspace."},
        grid={
            "type": "object",
            "minProperties": 1,
            "maxProperties": 8,
            "additionalProperties": {"type": "array", "minItems": 1, "maxItems": 32},
            "description": 'Values to try by dotted key: {"tile.rows": [8, 16], "unroll": [1, 4]}.',
        },
        seed=SEED,
        **COMMON,
    ),
}

RECOVER: dict[str, Any] = {
    "name": "recover",
    "description": """
        Is a file of the workspace still as a killed sweep left it? Sweeps undo such leftovers themselves; this tool
        does so at once. Use it with a decision only where a sweep asked for one, because somebody edited the file after
        the sweep was killed: restore puts the original back, keep leaves the edited file. The other version is kept in
        this artifact's data folder either way.
        """,
    "schema": arguments(
        decision={"type": "string", "enum": ["restore", "keep"], "description": "For files that were edited since."}
    ),
}
