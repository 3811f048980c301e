"""Inputs on which numeric code breaks: for each case, values for every input of a described signature."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import floats
from values import ToolError

INTEGERS = {
    "int8": (-(2**7), 2**7 - 1), "int16": (-(2**15), 2**15 - 1), "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1), "uint8": (0, 2**8 - 1), "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1),
}  # fmt: skip
DTYPES = (*floats.FORMATS, *INTEGERS)
SIZE = 8  # of a named dimension, unless told
SHAPES = (0, 1, 2, 7, 9, 17, 33)  # round the widths of vector registers, and nothing at all


class Input(NamedTuple):
    """One argument. Values lie within `low` and `high`, except for those that are not finite, if it takes them."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float
    high: float
    finite: bool

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Case(NamedTuple):
    name: str
    why: str
    values: Callable[[random.Random, Input], list[float]]


def described(spec: dict[str, Any], sizes: dict[str, int]) -> Input:
    """From the tool's argument; raises ToolError for what cannot be."""
    dtype = spec.get("dtype", "float64")
    lowest, highest = INTEGERS.get(dtype) or (-floats.FORMATS[dtype].top, floats.FORMATS[dtype].top)
    low, high = max(spec.get("low", lowest), lowest), min(spec.get("high", highest), highest)
    if dtype in INTEGERS:
        low, high = math.ceil(low), math.floor(high)
    if low > high:
        raise ToolError(f"input {spec['name']!r}: no {dtype} lies between low and high")
    shape = tuple(n if isinstance(n, int) else sizes.get(n, SIZE) for n in spec.get("shape", ["n"]))
    finite = spec.get("finite", True) or dtype in INTEGERS
    return Input(spec["name"], dtype, shape, low, high, finite)


# ---- values for floating-point inputs


def _cycled(pool: list[float], count: int) -> list[float]:
    return [pool[at % len(pool)] for at in range(count)]


def _zeros(_: random.Random, i: Input) -> list[float]:
    return _cycled([0.0, -0.0] if i.dtype in floats.FORMATS and i.low < 0 else [0], i.size)


def _denormals(rng: random.Random, i: Input) -> list[float]:
    form = floats.FORMATS[i.dtype]
    below = form.tiny - form.denormal
    pool = [form.denormal, -form.denormal, below, -below, form.tiny, *(rng.random() * form.tiny for _ in range(3))]
    return _cycled(pool, i.size)


def _huge(_: random.Random, i: Input) -> list[float]:
    top = floats.FORMATS[i.dtype].top
    return _cycled([top, top / 2, -top, top, -top / 2, top * 0.75], i.size)


def _cancellation(rng: random.Random, i: Input) -> list[float]:
    """Big, small, minus big: a sum from left to right loses what is small."""
    big = 1 / floats.FORMATS[i.dtype].epsilon * 4
    return _cycled([v for _ in range(4) for v in (big, rng.uniform(0.5, 1.5), -big)], i.size)


def _neighbours(_: random.Random, i: Input) -> list[float]:
    """Differences of these are a rounding error away from nothing."""
    pool = [base for one in (1.0, -1.0, 1024.0) for base in (one, *_next(one, i.dtype))]
    return _cycled(pool, i.size)


def _next(value: float, dtype: str) -> tuple[float, float]:
    return floats.neighbour(value, dtype, 1), floats.neighbour(value, dtype, -1)


def _scales(rng: random.Random, i: Input) -> list[float]:
    form = floats.FORMATS[i.dtype]
    steps = 8
    low, high = math.log(form.tiny), math.log(form.top) / 2
    pool = [math.exp(low + (high - low) * n / (steps - 1)) * rng.uniform(0.5, 1) for n in range(steps)]
    return _cycled([v if n % 2 else -v for n, v in enumerate(pool)], i.size)


def _ties(_: random.Random, i: Input) -> list[float]:
    return _cycled([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 4.5], i.size)


def _not_finite(rng: random.Random, i: Input) -> list[float]:
    return _cycled([1.0, math.nan, 2.0, math.inf, -1.0, -math.inf, rng.random()], i.size)


# ---- values for any input, within its bounds


def _span(i: Input) -> tuple[float, float]:
    """Bounds in which ordinary values lie."""
    return (max(i.low, -100), min(i.high, 100)) if i.low < 100 and i.high > -100 else (i.low, i.high)


def _ordinary(rng: random.Random, i: Input) -> list[float]:
    low, high = _span(i)
    if i.dtype in INTEGERS:
        return [rng.randint(math.ceil(low), math.floor(high)) for _ in range(i.size)]
    return [rng.uniform(low, high) for _ in range(i.size)]


def _constant(rng: random.Random, i: Input) -> list[float]:
    return _ordinary(rng, i._replace(shape=(1,))) * i.size


def _sorted(rng: random.Random, i: Input) -> list[float]:
    return sorted(_ordinary(rng, i))


def _reversed(rng: random.Random, i: Input) -> list[float]:
    return _sorted(rng, i)[::-1]


def _alternating(rng: random.Random, i: Input) -> list[float]:
    return [abs(v) if n % 2 else -abs(v) for n, v in enumerate(_ordinary(rng, i))]


def _bounds(_: random.Random, i: Input) -> list[float]:
    if i.dtype in INTEGERS:
        return _cycled([i.low, i.high, min(i.low + 1, i.high), max(i.high - 1, i.low)], i.size)
    inner = floats.neighbour(i.low, i.dtype, 1), floats.neighbour(i.high, i.dtype, -1)
    return _cycled([i.low, i.high, max(i.low, inner[1]), min(i.high, inner[0])], i.size)


def _powers(_: random.Random, i: Input) -> list[float]:
    pool = [v for n in (0, 1, 3, 7, 15, 31, 62) for v in (2**n, 2**n - 1, -(2**n)) if i.low <= v <= i.high]
    return _cycled(pool or [i.low], i.size)


CASES = (
    Case("ordinary", "a control: if this fails, the rest says nothing", _ordinary),
    Case("zeros", "division, logarithm, normalising by a sum; both signs of zero", _zeros),
    Case("constant", "variance 0, ties in sorting and argmax", _constant),
    Case("bounds", "the ends of the declared range and their neighbours", _bounds),
    Case("denormals", "lost under flush-to-zero (-ffast-math), slow on some machines", _denormals),
    Case("huge", "overflow in sums, squares and exp", _huge),
    Case("cancellation", "a naive sum gives 0 where the small terms' sum is right", _cancellation),
    Case("neighbours", "differences of one rounding step; equality where order matters", _neighbours),
    Case("mixed_scales", "small terms swallowed by big ones; the order of summing shows", _scales),
    Case("ties", "rounding: half to even, half up, truncation differ", _ties),
    Case("not_finite", "NaN and infinities have to come through, not to be lost by min, max or a mask", _not_finite),
    Case("sorted", "branches that are always predicted; quicksort's worst case", _sorted),
    Case("reversed", "the other worst case of sorting and merging", _reversed),
    Case("alternating", "signs that change at every element", _alternating),
    Case("powers_of_two", "off by one at word sizes, shifts, hash tables", _powers),
)
_ONLY_FLOATS = {"denormals", "huge", "cancellation", "neighbours", "mixed_scales", "ties", "not_finite"}


def generate(specs: list[dict[str, Any]], sizes: dict[str, int], seed: int) -> Iterator[dict[str, Any]]:
    """Every case that suits at least one input, then odd shapes where dimensions have names.

    An input that a case does not suit (wrong type, out of bounds) gets ordinary values.
    """
    inputs = [described(spec, sizes) for spec in specs]
    for case in CASES:
        rng = random.Random(f"{seed}/{case.name}")
        made = {i.name: _values(case, rng, i) for i in inputs}
        if any(values is not None for values in made.values()):
            yield _case(case.name, case.why, inputs, made, rng)
    names = sorted({n for spec in specs for n in spec.get("shape", ["n"]) if isinstance(n, str)})
    for label, changed in _odd_sizes(names):
        rng = random.Random(f"{seed}/{label}")
        odd = [described(spec, {**sizes, **changed}) for spec in specs]
        yield _case(label, "sizes at which loops, tiles and vector remainders go wrong", odd, {}, rng)


def _values(case: Case, rng: random.Random, i: Input) -> list[float] | None:
    """None where the case does not suit the input."""
    if i.dtype in INTEGERS and case.name in _ONLY_FLOATS:
        return None
    if case.name == "not_finite":
        return None if i.finite else case.values(rng, i)
    values = [floats.as_stored(v, i.dtype) for v in case.values(rng, i)]
    return values if all(i.low <= v <= i.high for v in values) else None


def _odd_sizes(names: list[str]) -> Iterator[tuple[str, dict[str, int]]]:
    for size in SHAPES if names else ():
        yield f"size_{size}", dict.fromkeys(names, size)
    if len(names) > 1:
        yield "sizes_all_different", dict(zip(names, (3, 5, 7, 11, 2, 13), strict=False))


def _case(name: str, why: str, inputs: list[Input], made: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    filled = {}
    for i in inputs:
        values = made.get(i.name)
        filled[i.name] = (i, [floats.as_stored(v, i.dtype) for v in _ordinary(rng, i)] if values is None else values)
    return {"case": name, "why": why, "inputs": filled}


# ---- as text


def written(i: Input, values: list[float], format: str) -> dict[str, Any]:
    """The values in JSON, as a C initialiser, or as a NumPy expression; exact in each."""
    shape = list(i.shape)
    if format == "json":
        return {"dtype": i.dtype, "shape": shape, "values": [_shortest(v, i.dtype) for v in values]}
    if format == "c":
        body = ", ".join(_c_number(v, i.dtype) for v in values)
        size = "".join(f"[{n}]" for n in shape)
        return {"c": f"{_C_TYPES[i.dtype]} {i.name}{size} = {{{body}}};"}
    body = ", ".join(_python_number(v, i.dtype) for v in values)
    dtype = "float32" if i.dtype == "bfloat16" else i.dtype
    return {"python": f"{i.name} = np.array([{body}], dtype=np.{dtype}).reshape({tuple(shape)})"}


_C_TYPES = {
    "float64": "double", "float32": "float", "float16": "_Float16", "bfloat16": "__bf16",
    **{name: f"{name}_t" for name in INTEGERS},
}  # fmt: skip


def _shortest(value: float, dtype: str) -> float:
    """With no more digits than the format needs to be read back exactly."""
    if dtype not in floats.FORMATS or not math.isfinite(value):
        return value
    for digits in range(1, floats.FORMATS[dtype].digits + 1):
        short = float(f"{value:.{digits}g}")
        if floats.as_stored(short, dtype) == value:
            return short
    return value


def _c_number(value: float, dtype: str) -> str:
    if dtype in INTEGERS:
        return "INT64_MIN" if value == -(2**63) else f"{int(value)}{'ULL' if value > 2**63 - 1 else ''}"
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return repr(float(_shortest(value, dtype)))  # read as a double, then rounded: exact


def _python_number(value: float, dtype: str) -> str:
    if dtype not in floats.FORMATS:
        return str(int(value))
    return repr(_shortest(value, dtype)) if math.isfinite(value) else f"float('{value}')"
