"""numcheck: are these numbers right? Comparison with a reference, and the inputs on which numeric code breaks."""

import json
import math
from typing import Any

import adversary
import comparing
import data
import definitions
import floats
from values import ToolError, rounded
from wire import Call, Tool, serve

MOST_VALUES = 2048  # of one generated case
MOST_TEXT = 24_000  # characters of generated cases in one answer


def compare(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `compare`."""
    expected, actual = data.load(given["expected"], "expected"), data.load(given["actual"], "actual")
    dtype = given.get("dtype") or _narrower(expected.dtype, actual.dtype)
    call.check()
    tolerance = comparing.Tolerance(
        given.get("abs_tol", 0.0),
        given.get("rel_tol", 0.0),
        given.get("ulp_tol", 0),
        given.get("nan_equal", True),
        dtype,
    )
    answer = comparing.compare(_stored(expected, dtype), _stored(actual, dtype), tolerance, given.get("worst", 8))
    if passed_over := expected.passed_over + actual.passed_over:
        answer["passed_over"] = f"{passed_over} leaves that are no numbers"
    return answer


def _narrower(a: str, b: str) -> str:
    order = ("float16", "float32", "float64")
    found = [name for name in order if name in (a, b)]
    return found[0] if found else "int64"


def _stored(numbers: data.Numbers, dtype: str) -> data.Numbers:
    if dtype not in floats.FORMATS or dtype in (numbers.dtype, "float64"):
        return numbers
    return numbers._replace(values=floats.all_stored(numbers.values, dtype))


def summarize(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `summarize`."""
    numbers = data.load(given["data"], "data")
    values = numbers.values
    dtype = numbers.dtype if numbers.dtype in floats.FORMATS else "float64"
    finite = sorted(v for v in values if math.isfinite(v))
    kinds: dict[str, list[int]] = {}
    tiny, top = floats.FORMATS[dtype].tiny, floats.FORMATS[dtype].top
    for at in (at for at, value in enumerate(values) if not tiny <= abs(value) <= top):
        kinds.setdefault(floats.kind(values[at], dtype), []).append(at)
    return {
        "count": len(values),
        "shape": list(numbers.shape) if numbers.shape is not None else None,
        "dtype": numbers.dtype,
        "special": {w: {"count": len(p), "first": [numbers.name(at) for at in p[:5]]} for w, p in kinds.items()},
        "finite": _spread(finite),
        "distinct": len(set(finite)),
        "extremes": _extremes(numbers),
        "fits": [name for name in ("float32", "bfloat16", "float16") if floats.all_fit(values, name)],
    }


def _spread(ordered: list[float]) -> dict[str, float] | None:
    if not ordered:
        return None
    shares = {"min": 0.0, "p01": 0.01, "p25": 0.25, "median": 0.5, "p75": 0.75, "p99": 0.99, "max": 1.0}
    scale = max(abs(ordered[0]), abs(ordered[-1])) or 1.0  # divided out: the sum of huge values must not overflow
    mean = math.fsum(v / scale for v in ordered) / len(ordered) * scale
    return {**{name: _quantile(ordered, share) for name, share in shares.items()}, "mean": rounded(mean, 12)}


def _quantile(ordered: list[float], share: float) -> float:
    """Between the two nearest values, in proportion."""
    at, part = divmod(share * (len(ordered) - 1), 1)
    low = ordered[int(at)]
    return low if part == 0 else low * (1 - part) + ordered[int(at) + 1] * part


def _extremes(numbers: data.Numbers) -> dict[str, Any]:
    finite = [(abs(v), at) for at, v in enumerate(numbers.values) if math.isfinite(v)]
    if not finite:
        return {}
    nonzero = [pair for pair in finite if pair[0]]
    ends = {"greatest_magnitude": max(finite), **({"least_above_zero": min(nonzero)} if nonzero else {})}
    return {name: {"at": numbers.name(at), "value": numbers.values[at]} for name, (_, at) in ends.items()}


def ulp_distance(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `ulp_distance`."""
    dtype = given.get("dtype", "float64")
    a, b = (_one(given[name], name, dtype) for name in ("a", "b"))
    answer: dict[str, Any] = {"dtype": dtype, "a": _portrait(a, dtype), "b": _portrait(b, dtype)}
    if math.isnan(a) or math.isnan(b):
        return {**answer, "equal": False, "ulps": None, "note": "NaN is unequal to everything, itself included"}
    answer |= {"equal": a == b, "ulps": abs(floats.ordinal(a, dtype) - floats.ordinal(b, dtype))}
    if math.isfinite(a) and math.isfinite(b):
        answer |= {"abs": abs(b - a), "rel": abs(b - a) / abs(a) if a else None}
    return answer


def _one(value: Any, name: str, dtype: str) -> float:
    number = data.as_number(value)
    if number is None:
        raise ToolError(f"{name} is {value!r:.60}; give a number, or text such as 0.1, 0x1.8p3, nan, -inf")
    return floats.as_stored(float(number), dtype)


def _portrait(value: float, dtype: str) -> dict[str, Any]:
    digits = floats.FORMATS[dtype].bits // 4
    shown = {"value": value, "bits": f"0x{floats.pattern(value, dtype):0{digits}x}", "kind": floats.kind(value, dtype)}
    if not math.isfinite(value):
        return shown
    below, above = floats.neighbour(value, dtype, -1), floats.neighbour(value, dtype, 1)
    return {**shown, "hex": value.hex(), "below": below, "above": above}


def adversarial_inputs(call: Call, **given: Any) -> dict[str, Any]:
    """The tool `adversarial_inputs`."""
    specs, sizes, wanted = given["inputs"], given.get("sizes", {}), given.get("cases", [])
    names = [spec["name"] for spec in specs]
    if len(set(names)) < len(names):
        raise ToolError("two inputs have the same name")
    for i in (adversary.described(spec, sizes) for spec in specs):
        if i.size > MOST_VALUES:
            raise ToolError(f"input {i.name!r} has {i.size} elements; at most {MOST_VALUES} are written out")
    every = list(adversary.generate(specs, sizes, given.get("seed", 0)))
    known = [case["case"] for case in every]
    if unknown := [name for name in wanted if name not in known]:
        raise ToolError(f"these inputs give no case {unknown[0][:60]!r}; there are: {', '.join(known)}")
    chosen = [case for case in every if not wanted or case["case"] in wanted]
    return _within_bounds(chosen, given.get("format", "json"))


def _within_bounds(cases: list[dict[str, Any]], format: str) -> dict[str, Any]:
    """As many cases as one answer holds; the others by name."""
    written, left, size = [], [], 0
    for case in cases:
        inputs = {name: adversary.written(i, values, format) for name, (i, values) in case["inputs"].items()}
        one = {**case, "inputs": inputs}
        size += len(json.dumps(one))
        if size > MOST_TEXT:
            left.append(case["case"])
        else:
            written.append(one)
    if not written:
        raise ToolError("one case alone is too big for an answer; ask for smaller shapes")
    return {"cases": written, "left_out": left, "more": "call again with cases: the names left out" if left else ""}


TOOLS = (
    Tool(**definitions.COMPARE, run=compare),
    Tool(**definitions.SUMMARIZE, run=summarize),
    Tool(**definitions.ULP_DISTANCE, run=ulp_distance),
    Tool(**definitions.ADVERSARIAL_INPUTS, run=adversarial_inputs),
)

if __name__ == "__main__":
    serve("numcheck", "1.0.0", TOOLS)
