"""Numbers from wherever an agent has them: given outright, as text, or in a JSON, CSV, text or NumPy file."""

import ast
import csv
import io
import json
import math
import os
import re
import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from values import ToolError

MOST_ELEMENTS = 1_000_000
MOST_BYTES = 64 << 20


class Numbers(NamedTuple):
    """Values in row order. An element is named by its index in `shape`, or, of an object, by its path."""

    values: list[float]
    shape: tuple[int, ...] | None
    paths: list[str] | None = None
    dtype: str = "float64"
    passed_over: int = 0  # values that are no numbers

    def name(self, at: int) -> str:
        if self.paths is not None:
            return self.paths[at]
        return f"[{','.join(map(str, place(at, self.shape or ())))}]"


def place(at: int, shape: tuple[int, ...]) -> list[int]:
    """The index of the flat position `at`."""
    index = []
    for size in reversed(shape):
        at, rest = divmod(at, size)
        index.append(rest)
    return index[::-1]


def load(source: Any, what: str) -> Numbers:
    """`source` is a file's path (`path#part` for a part of it), numbers as text, or the values themselves."""
    numbers = _from_string(source, what) if isinstance(source, str) else from_json(source, what)
    if len(numbers.values) > MOST_ELEMENTS:
        raise ToolError(f"{what} has {len(numbers.values)} numbers, {MOST_ELEMENTS} are allowed; compare a part")
    return numbers


def _from_string(source: str, what: str) -> Numbers:
    content = _content(source)
    path, part = (source, "") if content is not None else source.rpartition("#")[::2]
    if content is None and path:
        content = _content(path)
    if content is not None:
        return _parse(content, PurePath(path).suffix.lower(), part, what)
    try:
        return _parse(source.encode("utf-8", "replace"), "", "", what)
    except ToolError as error:
        raise ToolError(
            f"{what}: {source[:120]!r} is no file of the workspace, and as text: {error}; "
            "paths are relative to the workspace"
        ) from None


def _content(path: str) -> bytes | None:
    """What is in the file; None where there is none."""
    place = Path(os.environ.get("HARNESSGYM_WORKSPACE") or ".") / path
    try:
        if not place.is_file():
            return None
        if place.stat().st_size > MOST_BYTES:
            raise ToolError(f"{path} has more than {MOST_BYTES >> 20} MiB; write a smaller sample")
        return place.read_bytes()
    except (OSError, ValueError):  # ValueError: a null character
        return None


def _parse(content: bytes, suffix: str, part: str, what: str) -> Numbers:
    """`part` is a path within JSON, or the columns of a CSV file."""
    if content.startswith(b"\x93NUMPY"):
        return _from_npy(content, what)
    text = content.decode("utf-8-sig", "replace")
    if suffix == ".json" or text.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ToolError(f"{what} is not JSON: {error}") from None
        return from_json(_at_key(value, part, what), what)
    if suffix in (".csv", ".tsv"):
        return _from_csv(text, [name.strip() for name in part.split(",")] if part else [], suffix, what)
    return _from_text(text, what)


# ---- JSON


def from_json(value: Any, what: str) -> Numbers:
    """Nested lists of numbers have a shape; anything else is read leaf by leaf, each with its path."""
    shape = _shape(value)
    if shape is not None:
        values = list(_flat(value))
        return Numbers(values, shape, dtype=_kind_of(values))
    leaves = list(_leaves(value, "$"))
    numbers = [(path, number) for path, leaf in leaves if (number := as_number(leaf)) is not None]
    if not numbers:
        raise ToolError(f"there are no numbers in {what}")
    values = [number for _, number in numbers]
    return Numbers(values, None, [path for path, _ in numbers], _kind_of(values), len(leaves) - len(numbers))


def as_number(value: Any) -> float | None:
    """Numbers, and nan, inf, -inf, hexadecimal floats as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return float(value) if abs(value) < 1 << 1023 else math.copysign(math.inf, value)
    if isinstance(value, int | float):
        return value
    try:
        return float.fromhex(value) if "0x" in value.lower() else float(value)
    except (ValueError, OverflowError):
        return None


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return () if as_number(value) is not None else None
    shapes = {_shape(item) for item in value}
    if not shapes:
        return (0,)
    only = shapes.pop()
    return None if shapes or only is None else (len(value), *only)


def _flat(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    elif (number := as_number(value)) is not None:
        yield number


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _leaves(item, f"{path}[{at}]")
    else:
        yield path, value


def _kind_of(values: list[float]) -> str:
    return "int64" if values and all(isinstance(v, int) for v in values) else "float64"


def _at_key(value: Any, key: str, what: str) -> Any:
    for part in key.split(".") if key else ():
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            there = ", ".join(list(value)[:20]) if isinstance(value, dict) else type(value).__name__
            raise ToolError(f"{what} has nothing at {part!r} of {key!r}; there is: {there}")
    return value


# ---- CSV and text


def _from_csv(text: str, columns: list[str], suffix: str, what: str) -> Numbers:
    first = text.partition("\n")[0]
    delimiter = "\t" if suffix == ".tsv" or "\t" in first else ";" if ";" in first else ","
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in rows[0]] if rows and any(as_number(c.strip()) is None for c in rows[0]) else []
    wanted = [_column(column, header, what) for column in columns]
    table = [[row[at] for at in wanted if at < len(row)] if wanted else row for row in rows[1 if header else 0 :]]
    return _from_rows(table, 2 if header else 1, what)


def _column(column: str, header: list[str], what: str) -> int:
    """By name, else by number from 0."""
    if column in header:
        return header.index(column)
    if column.isdigit():
        return int(column)
    raise ToolError(f"{what} has no column {column!r}; it has: {', '.join(header) or 'no header'}")


def _from_text(text: str, what: str) -> Numbers:
    lines = (line.partition("#")[0] for line in text.splitlines())
    return _from_rows([row for line in lines if (row := re.split(r"[\s,;]+", line.strip(" \t\r,;"))) != [""]], 1, what)


def _from_rows(rows: list[list[str]], first: int, what: str) -> Numbers:
    values = [_cell(cell, at + first, what) for at, row in enumerate(rows) for cell in row]
    if not values:
        raise ToolError(f"there are no numbers in {what}")
    widths = {len(row) for row in rows}
    shape = (len(rows), widths.pop()) if len(widths) == 1 else (len(values),)
    if 1 in shape:
        shape = (len(values),)
    return Numbers(values, shape)


def _cell(cell: str, row: int, what: str) -> float:
    number = as_number(cell.strip())
    if number is None:
        raise ToolError(
            f"{what}: {cell.strip()[:60]!r} in row {row} is no number (file.csv#column,column picks columns)"
        )
    return number


# ---- NumPy's file format

_NPY = {
    "f8": ("d", "float64"), "f4": ("f", "float32"), "f2": ("e", "float16"),
    "i8": ("q", "int64"), "i4": ("i", "int32"), "i2": ("h", "int16"), "i1": ("b", "int8"),
    "u8": ("Q", "uint64"), "u4": ("I", "uint32"), "u2": ("H", "uint16"), "u1": ("B", "uint8"), "b1": ("B", "bool"),
    "c16": ("dd", "float64"), "c8": ("ff", "float32"),
}  # fmt: skip


def _from_npy(content: bytes, what: str) -> Numbers:
    """A complex number counts as two, along a last axis."""
    header, start = _npy_header(content, what)
    descr, shape = header.get("descr"), header.get("shape")
    if not isinstance(descr, str) or descr[1:] not in _NPY or not isinstance(shape, tuple):
        raise ToolError(f"{what} has the element type {descr!r}; readable are {', '.join(_NPY)}")
    code, dtype = _NPY[descr[1:]]
    shape = shape if len(code) == 1 else (*shape, 2)
    count = math.prod(shape)
    order = ">" if descr[0] == ">" else "<"
    size = struct.calcsize(order + code[0]) * count
    if not 0 <= size <= len(content) - start:
        raise ToolError(f"{what} is cut off: {count} elements were promised")
    values = list(struct.unpack(f"{order}{count}{code[0]}", content[start : start + size]))
    if header.get("fortran_order") and len(shape) > 1:
        values = _row_order(values, shape, paired=len(code) == 2)
    return Numbers(values, shape, dtype=dtype)


def _npy_header(content: bytes, what: str) -> tuple[dict[str, Any], int]:
    try:
        if not content.startswith(b"\x93NUMPY"):
            raise ValueError("no NumPy file")
        wide = content[6] >= 2
        size = struct.unpack_from("<I" if wide else "<H", content, 8)[0]
        start = 12 if wide else 10
        header = ast.literal_eval(content[start : start + size].decode("latin-1").strip())
        return dict(header), start + size
    except (ValueError, SyntaxError, IndexError, TypeError, struct.error) as error:
        raise ToolError(f"{what} is no .npy file: {error}") from None


def _row_order(values: list[float], shape: tuple[int, ...], paired: bool) -> list[float]:
    """From column order (the first index runs fastest); the two halves of a complex number stay together."""
    strides, step = [], 2 if paired else 1
    for size in shape[:-1] if paired else shape:
        strides.append(step)
        step *= size
    strides += [1] if paired else []
    spans = [range(0, size * stride, stride) for size, stride in zip(shape, strides, strict=True)]
    return [values[sum(index)] for index in product(*spans)]
