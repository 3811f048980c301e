"""A script's own metadata: the `# /// script` comment block of PEP 723."""

import re
from dataclasses import dataclass
from typing import Any

from harnessgym_mcp.errors import UsageError

__all__ = ["ScriptBlock", "read_block"]

_BLOCK = re.compile(r"(?m)^# /// script[ \t]*\n(?P<content>(?:^#(?: .*)?\n)+?)^# ///[ \t]*$")
_HINT = "see https://peps.python.org/pep-0723/"


@dataclass(frozen=True, slots=True)
class ScriptBlock:
    """What the script asks for, unchecked."""

    dependencies: tuple[str, ...] = ()
    python: str = ""


def read_block(source: str) -> ScriptBlock | None:
    """None when the script has no block. Raises UsageError when it has two, or one that is not what it should be."""
    blocks = list(_BLOCK.finditer(source.replace("\r\n", "\n")))
    if not blocks:
        return None
    if len(blocks) > 1:
        raise UsageError("the script has more than one `# /// script` block", hint=_HINT)
    table = _toml(blocks[0]["content"])
    dependencies = table.get("dependencies", [])
    python = table.get("requires-python", "")
    if not isinstance(dependencies, list) or not all(isinstance(each, str) for each in dependencies):
        raise UsageError("`dependencies` of the script's block is not a list of text", hint=_HINT)
    if not isinstance(python, str):
        raise UsageError("`requires-python` of the script's block is not text", hint=_HINT)
    return ScriptBlock(tuple(dependencies), python)


def _toml(content: str) -> dict[str, Any]:
    import tomllib

    text = "\n".join(line[2:] for line in content.splitlines())
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"the script's block is not TOML: {str(error)[:200]}", hint=_HINT) from error
