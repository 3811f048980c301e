"""heldout-eval: what a score is worth. Its noise, paired comparisons, and dev kept apart from held-out final cases."""

from typing import Any

import definitions
import evaluations
import sampling
from sampling import Job
from wire import Call, Tool, serve

TIMEOUT = 60.0  # seconds for one run, unless told


def measure(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `measure`."""
    job = Job(given["command"], given["score"], given.get("timeout_s", TIMEOUT))
    wanted = given.get("repeats", 3 if job.score == "instructions" else 10)
    values = sampling.sample(call, job, wanted, given.get("warmup", 0 if job.score == "instructions" else 1))
    answer = {"score": job.score, **sampling.summary(values), "noise": sampling.noise(values), **_cut(values, wanted)}
    return answer if job.profile is None else {**answer, "hottest": job.profile.hottest(10)}


def compare(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `compare`."""
    a, b = (Job(given[name], given["score"], given.get("timeout_s", TIMEOUT)) for name in ("a", "b"))
    wanted = given.get("rounds", 8)
    found = sampling.pairs(call, a, b, wanted)
    lower = given.get("better", "lower") == "lower"
    return {
        "score": given["score"],
        **sampling.verdict(found, lower, given.get("negligible_percent", 0.5)),
        "a": sampling.summary([pair[0] for pair in found]),
        "b": sampling.summary([pair[1] for pair in found]),
        **_cut(found, wanted),
    }


def evaluate(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `evaluate`."""
    wanted = {**given, "better": given.get("better", "lower")}
    book = evaluations.Book()
    book.check(wanted)
    earlier = evaluations.latest(book.of(given["evaluation"], given["mode"]))
    earlier.pop(given["candidate"], None)
    repeats = given.get("repeats", 5)
    values = sampling.sample(call, Job(given["command"], given["score"], given.get("timeout_s", TIMEOUT)), repeats, 0)
    book.add(wanted, values)
    rival = evaluations.best(earlier, wanted["better"])
    answer = {
        "candidate": given["candidate"],
        "mode": given["mode"],
        **sampling.summary(values),
        **_cut(values, repeats),
    }
    if rival is not None:
        answer["against_best_so_far"] = {
            "candidate": rival,
            **evaluations.against(earlier[rival], values, wanted["better"]),
        }
    if given["mode"] == "final":
        answer["final_looks"] = len(book.of(given["evaluation"], "final"))
        answer["note"] = evaluations.looks_note(answer["final_looks"])
    return answer


def report(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `report`."""
    return evaluations.report(evaluations.Book(), given["evaluation"])


def _cut(values: list[Any], wanted: int) -> dict[str, Any]:
    return {"stopped_early": f"{len(values)} of {wanted}: the time was up"} if len(values) < wanted else {}


TOOLS = (
    Tool(**definitions.MEASURE, run=measure),
    Tool(**definitions.COMPARE, run=compare),
    Tool(**definitions.EVALUATE, run=evaluate),
    Tool(**definitions.REPORT, run=report),
)

if __name__ == "__main__":
    serve("heldout-eval", "1.0.0", TOOLS)
