"""The `config.toml` that `harnessgym init` writes: every setting with its default, commented out."""

import json
from typing import Any, get_type_hints

from harnessgym_mcp.core.policy import Policy

__all__ = ["template"]

_HEAD = """\
# HarnessGym's rules for this workspace. Each setting stands here with its default: take the # away to change it.
# A setting may also come from a flag (--set timeouts.call=120) or a variable (HARNESSGYM_TIMEOUTS_CALL=120), which go
# before this file. `harnessgym config show` tells each value in force and where it comes from. Times are in seconds.
"""


def template() -> str:
    """TOML that changes nothing as it is, and still parses with any of its lines uncommented."""
    parts = [_HEAD]
    for section, values in Policy().as_dict().items():
        about = (get_type_hints(Policy)[section].__doc__ or "").partition("\n")[0]
        parts.append("\n".join([f"[{section}]  # {about}", *(f"# {k} = {_toml(v)}" for k, v in values.items()), ""]))
    return "\n".join(parts)


def _toml(value: Any) -> str:
    """Strings, numbers, booleans and lists of strings are the same in TOML and JSON."""
    return json.dumps(value)
