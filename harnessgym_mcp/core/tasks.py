"""Tasks as a comparison knows them, and what a verifier's output is worth.

A verifier prints one JSON object. Its score is a finite number or it is nothing: NaN, a boolean, text that is no
number, or anything other than an object is a failure of the attempt, never a score.
"""

import json
import re
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.text import one_line

__all__ = ["Reading", "TaskRef", "finite", "read_verifier", "worse_of"]

Direction = Literal["higher", "lower"]

_PASSED = ("passed", "pass", "ok", "success", "solved")
_PLACES = ("metrics", "objective", "verification")  # where a score may stand besides the top
_LARGEST = 1e100
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class TaskRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task of a comparison; what to do and how to verify it is its owner's business.

    `family` and `seed` name the generator it came from; `held_out` says that the harness was not built on it;
    `baseline` is the score of the untouched workspace, `worst` the worst score possible, where they are known.
    """

    id: str
    title: str = ""
    family: str = ""
    seed: int = 0
    held_out: bool = False
    digest: str = ""
    baseline: float | None = None
    worst: float | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a verifier said. `score` is set only where it passed; else `cause` and `message` say why not."""

    passed: bool
    score: float | None = None
    cause: Literal["", "verifier_failed", "verifier_output"] = ""
    message: str = ""


def read_verifier(output: str, *, exit_code: int, key: str) -> Reading:
    """Reads a verifier's whole stdout. `key` is looked up at the top, then in `metrics`, `objective` and
    `verification`; then `score` is, in the same places. A verifier without a score may still pass."""
    try:
        said = json.loads(output)
    except (ValueError, RecursionError):
        said = None
    if exit_code != 0:
        return _failure("verifier_failed", f"the verifier exited with {exit_code}: {_why(said, output)}")
    if not isinstance(said, dict):
        return _failure("verifier_output", f"the verifier's output is not one JSON object: {one_line(output, 120)!r}")
    status = said.get("status")
    if status is not None and str(status).lower() not in _PASSED:
        return _failure("verifier_failed", f"the verifier's status is {one_line(str(status), 60)!r}: {_why(said, '')}")
    return _scored(_find(said, key))


def finite(value: object) -> float | None:
    """A finite float of a JSON number, or of text that is nothing but a decimal number; else None.

    Beyond 1e100 no score is meant, and squares would overflow: that is None too.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) <= _LARGEST else None


def worse_of(direction: Direction, scores: list[float]) -> float:
    """The worst of at least one score."""
    return min(scores) if direction == "higher" else max(scores)


def _scored(found: list[object]) -> Reading:
    if not found:
        return Reading(passed=True)
    score = finite(found[0])
    if score is None:
        return _failure("verifier_output", f"the score is {one_line(repr(found[0]), 60)}, which is not a finite number")
    return Reading(passed=True, score=score)


def _find(said: dict[str, Any], key: str) -> list[object]:
    places = [said, *(said[p] for p in _PLACES if isinstance(said.get(p), dict))]
    return [place[k] for k in (key, "score") for place in places if k in place]


def _why(said: object, output: str) -> str:
    if isinstance(said, dict):
        words = next((said[k] for k in ("message", "error", "reason") if said.get(k)), "no reason given")
        return one_line(str(words), 300)
    return one_line(output, 300) or "no output"


def _failure(cause: Literal["verifier_failed", "verifier_output"], message: str) -> Reading:
    return Reading(passed=False, cause=cause, message=message)
