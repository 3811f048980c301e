"""Manifests as every reader understands them alike: JSON in UTF-8, no key twice, no numbers that JSON does not have."""

import json
import math
from typing import Any, NoReturn

__all__ = ["read_strictly"]


def read_strictly(data: bytes) -> Any:
    """The value; a byte order mark is passed over. Raises ValueError, RecursionError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:80]!r} is there twice, which readers take differently")
    return value


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _constant(text)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
