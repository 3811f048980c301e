"""The tools as their callers see them: when to use each, and what it takes."""

from typing import Any

from score import FORMS
from values import arguments

COMMAND = {
    "type": "string",
    "minLength": 1,
    "description": "A shell command, run in the workspace without network. It has to exit with 0.",
}
SCORE = {
    "type": "string",
    "pattern": "^(stdout|seconds|cpu_seconds|instructions|json:.+)$",
    "description": f"What to measure: {FORMS}; or instructions (callgrind, where valgrind is installed). "
    "stdout takes the last number on the last line that the command prints.",
}
BETTER = {"type": "string", "enum": ["lower", "higher"], "description": "Which scores are better; default lower."}
TIMEOUT = {
    "type": "number",
    "minimum": 0.1,
    "maximum": 270,
    "description": "Seconds for one run; default 60. All runs of a call together get 270: fewer are made if need be.",
}


def _count(default: int, most: int, what: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": f"{what}; default {default}."}


MEASURE: dict[str, Any] = {
    "name": "measure",
    "description": """
        Run one command several times and learn its score and its noise: median, MAD, 95% interval, outliers, drift, the
        smallest difference that such a series could show, and how many runs 1% would need. Use it once before
        optimising anything, so that you know which differences mean something. Scores: the command's own number, wall
        time, CPU time, or instructions counted by callgrind (hardly any noise; answers with the hottest functions too).
        """,
    "schema": arguments(
        "command",
        "score",
        command=COMMAND,
        score=SCORE,
        repeats=_count(10, 100, "Runs that count"),
        warmup={"type": "integer", "minimum": 0, "maximum": 20, "description": "Runs before that; default 1."},
        timeout_s=TIMEOUT,
    ),
}

COMPARE: dict[str, Any] = {
    "name": "compare",
    "description": """
        Is b really better than a? Runs both commands in turns, the order changing each round, and answers: b is better,
        a is better, negligible, or noise, with the ratio, its 95% interval and an exact sign-flip p. Use it before
        claiming or keeping an improvement; a single run of each proves nothing. Keep both versions at hand, such as two
        builds or a flag, so that both can be run at any time.
        """,
    "schema": arguments(
        "a",
        "b",
        "score",
        a={**COMMAND, "description": "The old one: a shell command, run in the workspace without network."},
        b={**COMMAND, "description": "The new one."},
        score=SCORE,
        better=BETTER,
        rounds=_count(8, 60, "Pairs of runs"),
        negligible_percent={
            "type": "number",
            "minimum": 0,
            "maximum": 100,
            "description": "Differences below this are not worth having; default 0.5.",
        },
        timeout_s=TIMEOUT,
    ),
}

EVALUATE: dict[str, Any] = {
    "name": "evaluate",
    "description": """
        Score the workspace as it is now with a named evaluation that stays the same from candidate to candidate: mode
        dev (quick cases, look as often as you like) or final (held-out cases, look seldom: every look is counted).
        Tells whether the candidate beats the best one so far or differs by noise only. Use it instead of running the
        evaluation by hand, so that dev and final scores, commands and the number of looks stay on record across
        sessions. The command, score and direction of a mode are fixed by its first use.
        """,
    "schema": arguments(
        "evaluation",
        "mode",
        "candidate",
        "command",
        "score",
        evaluation={"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$", "description": "Its name."},
        mode={"type": "string", "enum": ["dev", "final"], "description": "dev: quick; final: held out."},
        candidate={
            "type": "string",
            "minLength": 1,
            "maxLength": 80,
            "description": "What is being scored: baseline, tiled-8x8, ... The first candidate is the baseline.",
        },
        command=COMMAND,
        score=SCORE,
        better=BETTER,
        repeats=_count(5, 100, "Runs"),
        timeout_s=TIMEOUT,
    ),
}

REPORT: dict[str, Any] = {
    "name": "report",
    "description": """
        All candidates of a named evaluation: dev and final medians, gains over the first candidate, the best of each
        mode, how often the held-out cases were looked at, and warnings where a gain in dev does not carry over to
        final. Use it before choosing what to keep.
        """,
    "schema": arguments("evaluation", evaluation={"type": "string", "maxLength": 60, "description": "Its name."}),
}
