"""The tools as their callers see them: when to use each, and what it takes."""

from typing import Any

from values import arguments

BENCHMARK = {"type": "string", "minLength": 1, "maxLength": 120, "description": "The benchmark's name."}
NEGLIGIBLE = {
    "type": "number",
    "minimum": 0,
    "maximum": 100,
    "description": "Changes below this many percent are not worth telling; default 1.",
}
WHICH = "latest, previous, first, best, #NUMBER, or a label or commit (all entries that have it)"

RECORD: dict[str, Any] = {
    "name": "record",
    "description": """
        Put a measurement on record, for later sessions to compare with. Use it after every benchmark run that somebody
        may want to look back at: the baseline before a change, the result after it, a number for a report. Give all
        runs, not their mean: without them nothing can be said about noise. Machine, load and commit are noted by
        themselves. The history only ever grows; it survives sessions and new versions of this artifact.
        """,
    "schema": arguments(
        "benchmark",
        "values",
        benchmark={**BENCHMARK, "description": "A name that stays: matmul-512/seconds."},
        values={
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "items": {"type": "number"},
            "description": "The score of each run, in order.",
        },
        unit={"type": "string", "maxLength": 20, "description": "ms, GFLOP/s, ... It may not change later."},
        better={
            "type": "string",
            "enum": ["lower", "higher"],
            "description": "Which scores are better; lower unless given. It may not change later.",
        },
        label={"type": "string", "maxLength": 80, "description": "What was measured: baseline, tiled-8x8, PR-12."},
        note={"type": "string", "maxLength": 400, "description": "Anything worth knowing later."},
        environment={
            "type": "object",
            "maxProperties": 12,
            "additionalProperties": {"type": "string", "maxLength": 120},
            "description": "What else decides whether two measurements can be compared: compiler, flags, data set.",
        },
    ),
}

COMPARE: dict[str, Any] = {
    "name": "compare",
    "description": """
        Has a benchmark changed between two points of its history? Takes all recorded runs of both sides and answers
        better, worse, negligible or noise, with the change in percent and a 95% interval. Warns where the two were
        measured in different environments. Use it to look back; where both versions can still be run, measure them in
        turns instead.
        """,
    "schema": arguments(
        "benchmark",
        benchmark=BENCHMARK,
        a={"type": "string", "minLength": 1, "description": f"The old side: {WHICH}. Default previous."},
        b={"type": "string", "minLength": 1, "description": "The new side. Default latest."},
        negligible_percent=NEGLIGIBLE,
    ),
}

REGRESSIONS: dict[str, Any] = {
    "name": "regressions",
    "description": """
        Which benchmarks have become worse? Holds the latest entry of each one against its own earlier entries from the
        same environment (median and MAD of up to `window` of them) and lists regressions and improvements. Use it at
        the start of a session, and after recording a whole suite.
        """,
    "schema": arguments(
        filter={"type": "string", "maxLength": 120, "description": "Only benchmarks whose names contain this."},
        window={"type": "integer", "minimum": 3, "maximum": 100, "description": "Earlier entries; default 10."},
        negligible_percent={**NEGLIGIBLE, "description": "Smaller changes are not told; default 2."},
    ),
}

TREND: dict[str, Any] = {
    "name": "trend",
    "description": """
        How has one benchmark developed? Its latest entries in order, slope in percent per entry (Theil-Sen), whether
        that is a trend at all (Mann-Kendall), and where it jumped, if it did, with the label and commit of the jump.
        Use it to find the change that made something slow, and to see creeping losses that no single step shows. Only
        entries from the latest one's environment count.
        """,
    "schema": arguments(
        "benchmark",
        benchmark=BENCHMARK,
        last={"type": "integer", "minimum": 1, "maximum": 80, "description": "Entries looked at; default 40."},
    ),
}

BENCHMARKS: dict[str, Any] = {
    "name": "benchmarks",
    "description": """
        What is on record: every benchmark with its number of entries, the latest and the best score, unit, labels and
        environments. Use it to find out what has been measured before measuring again.
        """,
    "schema": arguments(
        filter={"type": "string", "maxLength": 120, "description": "Only benchmarks whose names contain this."}
    ),
}

RETRACT: dict[str, Any] = {
    "name": "retract",
    "description": """
        Take an entry out of all answers. Use it for one that misleads: measured with a debug build, on a busy machine,
        under the wrong name. The file keeps it, with the reason. Entry numbers are in the answers of record and trend.
        """,
    "schema": arguments(
        "entry",
        "why",
        entry={"type": "integer", "minimum": 1, "description": "Its number."},
        why={"type": "string", "minLength": 1, "maxLength": 400, "description": "What was wrong with it."},
    ),
}
