"""Making an answer fit: JSON that stays JSON, its longest texts and lists shortened until it is short enough."""

import json
from typing import Any

from harnessgym_mcp.core.text import cut

__all__ = ["fit"]

_STEPS = ((8000, 400), (3000, 150), (1200, 60), (500, 25), (200, 10), (80, 4), (40, 1))


def fit(value: Any, most: int) -> str:
    """Compact JSON of at most `most` characters: texts cut in the middle, lists at their end (with how many were
    left out), as little as will do."""
    text = _dump(value)
    for longest, items in _STEPS:
        if len(text) <= most:
            return text
        text = _dump(_shorten(value, longest, items))
    return text if len(text) <= most else _dump({"cut": cut(text, most // 2)})


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _shorten(value: Any, longest: int, items: int) -> Any:
    if isinstance(value, str):
        return cut(value, longest)
    if isinstance(value, dict):
        kept = list(value.items())[: items * 4]
        left = len(value) - len(kept)
        out = {cut(str(k), 200): _shorten(v, longest, items) for k, v in kept}
        return out | ({"…": f"{left} more"} if left else {})
    if isinstance(value, list | tuple):
        left = len(value) - items
        return [_shorten(v, longest, items) for v in value[:items]] + ([f"… {left} more"] if left > 0 else [])
    return value
