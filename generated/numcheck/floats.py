"""Floating-point formats: rounding to them, and the distance between two values in units of their last place.

Finite values are numbered in order, so that neighbours differ by one and both zeros are 0; the distance of two values
is the difference of their numbers.
"""

import math
import struct
import sys
from array import array
from collections.abc import Sequence
from typing import Literal, NamedTuple


class Format(NamedTuple):
    """`code` is of the struct module; a bfloat16 is the upper half of a float32."""

    code: str
    bits: int
    digits: int  # significant decimal digits that tell any two values apart
    tiny: float  # the smallest normal number
    denormal: float  # the smallest number above zero
    top: float  # the largest finite number
    epsilon: float  # from 1 to the next


FORMATS = {
    "float64": Format("d", 64, 17, 2.0**-1022, 2.0**-1074, sys.float_info.max, 2.0**-52),
    "float32": Format("f", 32, 9, 2.0**-126, 2.0**-149, (2 - 2.0**-23) * 2.0**127, 2.0**-23),
    "float16": Format("e", 16, 5, 2.0**-14, 2.0**-24, 65504.0, 2.0**-10),
    "bfloat16": Format("f", 16, 4, 2.0**-126, 2.0**-133, (2 - 2.0**-7) * 2.0**127, 2.0**-7),
}


def pattern(value: float, dtype: str) -> int:
    """The bits of the value, rounded to the format, as an unsigned number."""
    form = FORMATS[dtype]
    try:
        data = struct.pack("<" + form.code, value)
    except OverflowError:  # it rounds to infinity
        data = struct.pack("<" + form.code, math.copysign(math.inf, value))
    bits = int.from_bytes(data, "little")
    if dtype != "bfloat16":
        return bits
    if math.isnan(value):
        return bits >> 16 | 0x40
    return bits + 0x7FFF + (bits >> 16 & 1) >> 16  # to nearest, ties to even


def value_of(bits: int, dtype: str) -> float:
    """The value with these bits."""
    form = FORMATS[dtype]
    if dtype == "bfloat16":
        bits <<= 16
    return float(struct.unpack("<" + form.code, bits.to_bytes(struct.calcsize(form.code), "little"))[0])


def as_stored(value: float, dtype: str) -> float:
    """The value as the format keeps it; integers and unknown formats are left alone."""
    return value if dtype == "float64" or dtype not in FORMATS else value_of(pattern(value, dtype), dtype)


def all_stored(values: Sequence[float], dtype: str) -> list[float]:
    """The same for many values at once."""
    return array("f", values).tolist() if dtype == "float32" else [as_stored(value, dtype) for value in values]


def ordinal(value: float, dtype: str) -> int:
    """The place of a value that is no NaN among all of its format; zero is 0."""
    bits, sign = pattern(value, dtype), 1 << FORMATS[dtype].bits - 1
    return bits if bits < sign else sign - bits


def ordinals(values: Sequence[float], dtype: str) -> list[int]:
    """The same for many values at once; what it says of NaN means nothing. Integers are their own places."""
    if dtype not in FORMATS:
        return [int(value) if math.isfinite(value) else 0 for value in values]
    if dtype not in _WHOLE:
        return [ordinal(value, dtype) for value in values]
    code, whole, least = _WHOLE[dtype]
    bits = memoryview(array(code, values)).cast("B").cast(whole)
    return [n if n >= 0 else least - n for n in bits]


_WHOLE: dict[str, tuple[str, Literal["q", "i"], int]] = {
    "float64": ("d", "q", -(2**63)),
    "float32": ("f", "i", -(2**31)),
}


def neighbour(value: float, dtype: str, steps: int) -> float:
    """The value so many steps above (below, where negative); stays at the infinities."""
    sign = 1 << FORMATS[dtype].bits - 1
    infinity = ordinal(math.inf, dtype)
    place = max(-infinity, min(infinity, ordinal(value, dtype) + steps))
    return value_of(place if place >= 0 else sign - place, dtype)


def kind(value: float, dtype: str) -> str:
    """nan, infinite, zero, denormal or normal."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "infinite"
    if value == 0:
        return "zero"
    return "denormal" if dtype in FORMATS and abs(value) < FORMATS[dtype].tiny else "normal"


def all_fit(values: Sequence[float], dtype: str) -> bool:
    """Could every finite value have been kept in this format without loss?"""
    step = 1000  # most that do not fit show it early
    parts = (values[at : at + step] for at in range(0, len(values), step))
    return all(
        kept == value or not math.isfinite(value)
        for part in parts
        for value, kept in zip(part, all_stored(part, dtype), strict=True)
    )
