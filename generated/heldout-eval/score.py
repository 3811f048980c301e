"""From a command's output to one number. The same file in each starter artifact that needs it."""

import json
import math
import re
from typing import Any

from commands import Outcome
from values import ToolError

FORMS = "stdout, seconds, cpu_seconds, or json:KEY such as json:metrics.error"
PATTERN = "^(stdout|seconds|cpu_seconds|json:.+)$"
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def read(outcome: Outcome, spec: str) -> float:
    """The score that `spec` names; raises ToolError for a failed command or where there is no such number."""
    if complaint := outcome.complaint():
        raise ToolError(f"the command {complaint}")
    if spec == "seconds":
        return outcome.seconds
    if spec == "cpu_seconds":
        return outcome.cpu_seconds
    value = _last_number(outcome.stdout) if spec == "stdout" else _member(outcome.stdout, spec.partition(":")[2])
    if not math.isfinite(value):
        raise ToolError(f"the score is {value}; only finite numbers can be ranked")
    return value


def _last_number(text: str) -> float:
    """The last number on the last line that is not empty."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = _NUMBER.findall(lines[-1]) if lines else []
    if not found:
        last = f"the last line of its output is {lines[-1].strip()[:200]!r}" if lines else "it printed nothing"
        raise ToolError(f"the command gave no number: {last}; print the score last, or use `score` ({FORMS})")
    return float(found[-1])


def _member(text: str, key: str) -> float:
    value = _object(text)
    for part in key.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            there = ", ".join(list(value)[:20]) if isinstance(value, dict) else type(value).__name__
            raise ToolError(f"the command's JSON has nothing at {part!r} of {key!r}; there is: {there}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ToolError(f"the command's JSON has no number at {key!r} but {json.dumps(value)[:100]}")
    return float(value)


def _object(text: str) -> Any:
    """All of the output as JSON, else its last line that is a JSON object."""
    for candidate in (text, *reversed(text.splitlines())):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    raise ToolError(f"the command printed no JSON object; its output ends: {text.strip()[-300:]!r}")
