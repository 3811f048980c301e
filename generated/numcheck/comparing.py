"""Two sets of numbers held against each other: how many differ, where, by how much, and what that looks like."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import floats
from data import Numbers

BUCKETS = (1, 2, 4, 16, 256, 65536)  # upper ends, in units of the last place


class Tolerance(NamedTuple):
    """An element passes within `absolute + relative * |expected|`, or within `ulps` units of the last place."""

    absolute: float = 0.0
    relative: float = 0.0
    ulps: int = 0
    nan_equal: bool = True
    dtype: str = "float64"


class Difference(NamedTuple):
    """One element that is not the same on both sides. `error` is inf where one side is NaN or infinite."""

    at: int
    expected: float
    actual: float
    error: float
    relative: float
    ulps: int | None
    passes: bool


def differences(expected: list[float], actual: list[float], tolerance: Tolerance) -> list[Difference]:
    """All elements that are not equal, in order; two NaNs count as equal where the tolerance says so."""
    same_nan = tolerance.nan_equal
    places = [
        at
        for at, (e, a) in enumerate(zip(expected, actual, strict=False))
        if e != a and not (same_nan and e != e and a != a)
    ]
    sides = [expected[at] for at in places], [actual[at] for at in places]
    steps = map(floats.ordinals, sides, (tolerance.dtype, tolerance.dtype))
    return [_difference(at, e, a, abs(m - n), tolerance) for at, e, a, m, n in zip(places, *sides, *steps, strict=True)]


def _difference(at: int, e: float, a: float, ulps: int, tolerance: Tolerance) -> Difference:
    error = abs(a - e)
    if not error < math.inf and not (math.isfinite(e) and math.isfinite(a)):
        return Difference(at, e, a, math.inf, math.inf, None, False)
    relative = error / abs(e) if e else math.inf
    allowed = tolerance.absolute + tolerance.relative * abs(e)
    return Difference(at, e, a, error, relative, ulps, error <= allowed or ulps <= tolerance.ulps)


def compare(expected: Numbers, actual: Numbers, tolerance: Tolerance, most_shown: int) -> dict[str, Any]:
    """The whole verdict. Sides of different length never match; what they share is compared all the same."""
    problems = list(_mismatched_form(expected, actual))
    expected, actual = _aligned(expected, actual)
    found = differences(expected.values, actual.values, tolerance)
    failed = [d for d in found if not d.passes]
    count = min(len(expected.values), len(actual.values))
    return {
        "verdict": "mismatch" if problems or failed else "match",
        "problems": problems,
        "compared": count,
        "outside_tolerance": len(failed),
        "not_identical": len(found),
        "shape": list(expected.shape) if expected.shape is not None else f"{count} leaves of an object",
        "dtype": tolerance.dtype,
        "errors": _extent(found, count, expected),
        "signed_zeros_differ": _signed_zeros(expected.values, actual.values),
        "not_finite": {"expected": _not_finite(expected.values), "actual": _not_finite(actual.values)},
        "worst": [_shown(d, expected) for d in sorted(failed, key=_badness, reverse=True)[:most_shown]],
        "would_pass_with": _needed(found),
        "hints": list(hints(expected, actual, failed, tolerance)),
    }


def _mismatched_form(expected: Numbers, actual: Numbers) -> Iterator[str]:
    if (expected.paths is None) != (actual.paths is None):
        yield "one side is an array, the other an object"
    elif expected.paths is not None and actual.paths is not None:
        missing = sorted(set(expected.paths) - set(actual.paths))
        extra = sorted(set(actual.paths) - set(expected.paths))
        yield from (
            f"{word}: {', '.join(paths[:5])}" for word, paths in (("missing", missing), ("extra", extra)) if paths
        )
    elif expected.shape != actual.shape:
        yield f"the shapes differ: expected {expected.shape}, actual {actual.shape}"
    if len(expected.values) != len(actual.values):
        yield f"expected {len(expected.values)} numbers, got {len(actual.values)}"


def _aligned(expected: Numbers, actual: Numbers) -> tuple[Numbers, Numbers]:
    """Of two objects, what both have, in the same order: members have names and no places."""
    if expected.paths is None or actual.paths is None:
        return expected, actual
    old, new = (dict(zip(n.paths or (), n.values, strict=True)) for n in (expected, actual))
    common = [path for path in old if path in new]
    return (
        expected._replace(paths=common, values=[old[path] for path in common]),
        actual._replace(paths=common, values=[new[path] for path in common]),
    )


def _extent(found: list[Difference], count: int, numbers: Numbers) -> dict[str, Any]:
    """The greatest and the typical error, over the elements that are finite on both sides."""
    finite = [d for d in found if math.isfinite(d.error)]
    if not finite:
        return {"max_abs": 0.0, "max_rel": 0.0, "max_ulp": 0}
    worst = max(finite, key=lambda d: d.error)
    ulps = [d.ulps or 0 for d in finite]
    return {
        "max_abs": worst.error,
        "max_abs_at": numbers.name(worst.at),
        "max_rel": max((d.relative for d in finite if d.expected), default=0.0),
        "max_ulp": max(ulps),
        "rms": math.sqrt(math.fsum(min(d.error, 1e150) ** 2 for d in finite) / count),
        "mean_signed": math.fsum((d.actual - d.expected) / count for d in finite),
        "by_ulp": _histogram(ulps),
    }


def _histogram(ulps: list[int]) -> dict[str, int]:
    lows = (1, *(end + 1 for end in BUCKETS))
    names = [str(end) if low == end else f"{low}-{end}" for low, end in zip(lows, BUCKETS, strict=False)]
    counts = Counter(bisect_left(BUCKETS, value) for value in ulps)
    return {name: counts[at] for at, name in enumerate([*names, f">{BUCKETS[-1]}"]) if counts[at]}


def _signed_zeros(expected: list[float], actual: list[float]) -> int:
    return sum(
        e == 0 == a and math.copysign(1, e) != math.copysign(1, a) for e, a in zip(expected, actual, strict=False)
    )


def _not_finite(values: list[float]) -> dict[str, int]:
    counts = {
        "nan": sum(v != v for v in values),
        "inf": values.count(math.inf),
        "-inf": values.count(-math.inf),
    }
    return {name: number for name, number in counts.items() if number}


def _badness(d: Difference) -> tuple[bool, float, float]:
    return not math.isfinite(d.error), d.relative if d.expected else math.inf, d.error


def _shown(d: Difference, numbers: Numbers) -> dict[str, Any]:
    shown = {"at": numbers.name(d.at), "expected": d.expected, "actual": d.actual}
    return shown if d.ulps is None else {**shown, "abs": d.error, "rel": d.relative, "ulp": d.ulps}


def _needed(found: list[Difference]) -> dict[str, Any] | None:
    """The least tolerances, each by itself, under which everything passes; None where none would do."""
    if any(not math.isfinite(d.error) for d in found):
        return None
    relative = max((d.relative for d in found), default=0.0)
    needed = {
        "abs_tol": max((d.error for d in found), default=0.0),
        "ulp_tol": max((d.ulps or 0 for d in found), default=0),
    }
    return {**needed, "rel_tol": relative} if math.isfinite(relative) else needed


# ---- what the differences look like


def hints(expected: Numbers, actual: Numbers, failed: list[Difference], tolerance: Tolerance) -> Iterator[str]:
    """Likely causes, in words; guesses, each with the pattern it comes from."""
    e, a = expected.values, actual.values
    if not failed:
        return
    if len(e) == len(a) > 2:
        found = list(_rearranged(expected, a, tolerance))
        same = not found and _alike(sorted(e), sorted(a), tolerance)
        yield from [*found, *(["both sides hold the same values in another order"] if same else [])]
    yield from _scaled(failed)
    yield from _places(failed, expected, min(len(e), len(a)))
    yield from _values(failed, a, tolerance)


def _rearranged(expected: Numbers, a: list[float], tolerance: Tolerance) -> Iterator[str]:
    e = expected.values
    if _alike(e[1:], a[:-1], tolerance):
        yield "actual[i] equals expected[i+1]: off by one"
    if _alike(e[:-1], a[1:], tolerance):
        yield "actual[i] equals expected[i-1]: off by one"
    if _alike(e[::-1], a, tolerance):
        yield "actual is expected in reverse order"
    shape = expected.shape or ()
    if len(shape) == 2 and min(shape) > 1:
        rows, columns = shape
        if _alike([e[r * columns + c] for c in range(columns) for r in range(rows)], a, tolerance):
            yield "actual is expected transposed: rows and columns are mixed up"


def _alike(e: list[float], a: list[float], tolerance: Tolerance) -> bool:
    """Are both sides the same, and more than one value over and over? The beginning is looked at first."""
    beginnings = (100, len(e))
    same = all(d.passes for some in beginnings for d in differences(e[:some], a[:some], tolerance))
    return same and len(set(e)) > 1


def _scaled(failed: list[Difference]) -> Iterator[str]:
    finite = [d for d in failed if math.isfinite(d.error)]
    if len(finite) < 3:
        return
    if factor := _constant(finite, lambda d: d.actual / d.expected if d.expected else math.nan):
        yield f"actual is {factor:.6g} times expected wherever they differ"
    elif offset := _constant(finite, lambda d: d.actual - d.expected):
        yield f"actual is expected {offset:+.6g} wherever they differ"


def _constant(found: list[Difference], of: Callable[[Difference], float]) -> float | None:
    """The one value that it has everywhere, to six digits; not 1, which says nothing."""
    values = [of(d) for d in found]
    first = values[0]
    same = all(math.isclose(v, first, rel_tol=1e-6) for v in values)
    return first if same and math.isfinite(first) and not math.isclose(first, 1, rel_tol=1e-6) else None


def _places(failed: list[Difference], numbers: Numbers, count: int) -> Iterator[str]:
    """Something that all failing places have in common."""
    places = [d.at for d in failed]
    span = places[-1] - places[0] + 1
    if len(places) < count and span == len(places) and places[-1] == count - 1 and span <= 64:
        yield f"only the last {span} of {count} elements fail: look at the remainder loop"
    elif len(places) < count and places[0] == 0 and span == len(places) and span <= 64:
        yield f"only the first {span} of {count} elements fail: look at the loop's start or the boundary"
    elif len(places) > 2 and (period := _period(places)):
        yield f"failing positions are {places[0] % period} modulo {period}: one lane, channel or column"
    shape = numbers.shape or ()
    if len(shape) == 2 and len(places) > 1 and len({at // shape[1] for at in places}) == 1 < shape[0]:
        yield f"all failing elements lie in row {places[0] // shape[1]}"


def _period(places: list[int]) -> int:
    step = math.gcd(*(b - a for a, b in pairwise(places)))
    return step if step > 1 else 0


def _values(failed: list[Difference], actual: list[float], tolerance: Tolerance) -> Iterator[str]:
    if all(d.actual == 0 for d in failed):
        yield "actual is 0 wherever it fails: never written, or flushed to zero"
    if all(d.actual == -d.expected for d in failed):
        yield "actual has the other sign wherever it fails"
    if all(d.actual != d.actual for d in failed):
        yield "actual is NaN wherever it fails: 0/0, inf-inf, or uninitialised memory"
    if all(floats.kind(d.expected, tolerance.dtype) == "denormal" for d in failed):
        yield "every failing expected value is denormal: flush-to-zero (-ffast-math, FTZ/DAZ)?"
    finite = [d for d in failed if math.isfinite(d.error)]
    for dtype in ("float32", "bfloat16", "float16"):
        close = finite and all(d.relative <= 8 * floats.FORMATS[dtype].epsilon for d in finite)
        if tolerance.dtype == "float64" and close and floats.all_fit(actual, dtype):
            yield f"every actual value fits {dtype}: computed or stored in {dtype}?"
            break
