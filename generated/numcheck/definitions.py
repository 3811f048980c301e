"""The tools as their callers see them: when to use each, and what it takes."""

from typing import Any

import adversary
import floats
from values import arguments

NUMBERS = {
    "type": ["string", "array", "object", "number"],
    "minLength": 1,
}
FORMS = (
    "A file of the workspace (.npy, .json, .csv, .tsv, text), of which file.json#results.0.grad or "
    "file.csv#time,error takes a part; or numbers as a program printed them; or the values themselves: nested lists, "
    'or an object whose leaves are numbers, with "nan", "inf" and hexadecimal floats as text.'
)

DTYPE = {
    "type": "string",
    "enum": list(floats.FORMATS),
    "description": "The format in which units in the last place are counted; values are rounded to it first. "
    "Default: the narrower of the two files' types, float64 for text.",
}

COMPARE: dict[str, Any] = {
    "name": "compare",
    "description": """
        Hold numeric output against a reference, element by element. Use it whenever a result has to equal an earlier
        one: after optimising or porting a kernel, changing precision, reordering a sum. Reads .npy, JSON, CSV, text, or
        values given outright. Without tolerances every element has to be equal; an element passes within abs_tol +
        rel_tol*|expected|, or within ulp_tol units in the last place. Answers with the verdict, the worst offenders by
        index, errors as absolute, relative and ULP, NaN and infinity counts, the least tolerances that would pass, and
        hints at the cause (off by one, transposed, remainder loop, one lane, other precision, flushed denormals).
        """,
    "schema": arguments(
        "expected",
        "actual",
        expected={**NUMBERS, "description": f"The reference. {FORMS}"},
        actual={**NUMBERS, "description": "What is to be checked, in any form that `expected` may have."},
        abs_tol={"type": "number", "minimum": 0, "description": "Absolute tolerance; default 0."},
        rel_tol={"type": "number", "minimum": 0, "description": "Relative to |expected|; default 0."},
        ulp_tol={"type": "integer", "minimum": 0, "description": "Units in the last place; default 0."},
        dtype=DTYPE,
        nan_equal={"type": "boolean", "description": "Do two NaNs count as equal? Default true."},
        worst={"type": "integer", "minimum": 0, "maximum": 50, "description": "Offenders shown; default 8."},
    ),
}

SUMMARIZE: dict[str, Any] = {
    "name": "summarize",
    "description": """
        Describe one set of numbers where there is no reference yet: shape, quantiles, NaN, infinities, denormals and
        zeros with their first places, the greatest and least magnitude, and the narrower float formats that hold every
        value. Use it to look at an output file before trusting it.
        """,
    "schema": arguments("data", data={**NUMBERS, "description": FORMS}),
}

ULP_DISTANCE: dict[str, Any] = {
    "name": "ulp_distance",
    "description": """
        How far apart are two floating-point values: units in the last place, bits, hexadecimal form, neighbours. Use it
        to tell a rounding difference (a few ULP) from a wrong answer, and to choose a tolerance with a reason.
        """,
    "schema": arguments(
        "a",
        "b",
        a={"type": ["number", "string"], "description": "A number, or text: 0.1, 0x1.8p3, nan, -inf."},
        b={"type": ["number", "string"], "description": "The other one."},
        dtype={**DTYPE, "description": "The format both are rounded to first; default float64."},
    ),
}

_INPUT = arguments(
    "name",
    name={"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,30}$"},
    dtype={"type": "string", "enum": list(adversary.DTYPES), "description": "Default float64."},
    shape={
        "type": "array",
        "maxItems": 4,
        "items": {"type": ["integer", "string"], "minimum": 0, "maximum": 2048, "maxLength": 20},
        "description": 'Sizes, or names of sizes that inputs share: ["m", "k"]. Default ["n"].',
    },
    low={"type": "number", "description": "The least value that the code promises to take."},
    high={"type": "number", "description": "The greatest one."},
    finite={"type": "boolean", "description": "False if NaN and infinities are taken too. Default true."},
)

ADVERSARIAL_INPUTS: dict[str, Any] = {
    "name": "adversarial_inputs",
    "description": """
        Inputs on which numeric code breaks, made for a signature that you describe: signed zeros, denormals, huge
        values, cancellation, neighbours, mixed scales, ties, NaN and infinities, bounds, integer extremes, sorted and
        constant data, and sizes round vector widths (0, 1, 7, 9, 17, 33) for dimensions that have names. Use it when
        writing tests for a kernel, or before claiming that one is correct. The same seed gives the same values; they
        come as JSON, C initialisers or NumPy expressions, exact in each.
        """,
    "schema": arguments(
        "inputs",
        inputs={
            "type": "array",
            "minItems": 1,
            "maxItems": 6,
            "items": _INPUT,
            "description": "The signature, one entry for each argument.",
        },
        sizes={
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 2048},
            "description": "Values of named sizes, 8 unless given.",
        },
        cases={
            "type": "array",
            "items": {"type": "string"},
            "description": "Only these, by name; all of them unless given.",
        },
        format={"type": "string", "enum": ["json", "c", "python"], "description": "Default json."},
        seed={"type": "integer", "description": "Default 0."},
    ),
}
