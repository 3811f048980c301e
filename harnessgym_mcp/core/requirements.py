"""Requirements from hostile hands: names, versions, extras and markers of PEP 508, and nothing that leads elsewhere.

No URL, path, option, or version control: what is installed comes from the index that the user configured.
"""

import re
from collections.abc import Sequence

from harnessgym_mcp.errors import UsageError

__all__ = ["check_python", "check_requirements", "normal_name", "requirement_name"]

_MOST = 64
_LONGEST = 300
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_CLAUSE = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9][A-Za-z0-9.*+!_-]*"
_CLAUSES = rf"{_CLAUSE}(?:\s*,\s*{_CLAUSE})*"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})"
    rf"\s*(?:\[\s*(?P<extras>{_NAME}(?:\s*,\s*{_NAME})*)\s*\])?"
    rf"\s*(?:\(\s*{_CLAUSES}\s*\)|{_CLAUSES})?"
    r"\s*(?:;[ A-Za-z0-9_.,'\"()<>=!~*+-]+)?",
    re.ASCII,
)
_PYTHON = re.compile(rf"\s*(?:{_CLAUSES}|[0-9]+(?:\.[0-9]+){{0,2}})\s*", re.ASCII)


def check_requirements(requirements: Sequence[str]) -> tuple[str, ...]:
    """The same, stripped, without repetitions, in order of name. Raises UsageError for the first that may not be."""
    if len(requirements) > _MOST:
        raise UsageError(f"{len(requirements)} requirements are more than {_MOST}", hint="declare what is imported")
    return tuple(sorted({_checked(text) for text in requirements}, key=lambda text: (requirement_name(text), text)))


def _checked(text: str) -> str:
    stripped = text.strip(" \t")
    if len(stripped) > _LONGEST or not _REQUIREMENT.fullmatch(stripped):
        raise UsageError(
            f"{text[:100]!r} is not a package's name with an optional version",
            hint="write `name`, `name==1.2` or `name[extra]>=1,<2`; URLs, paths and options are not allowed",
        )
    return stripped


def requirement_name(text: str) -> str:
    """The normal form of a checked requirement's name."""
    match = _REQUIREMENT.match(text)
    return normal_name(match["name"]) if match else ""


def normal_name(name: str) -> str:
    """As indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_python(text: str) -> str:
    """A Python version as a number or as clauses, stripped; "" for any. Raises UsageError for anything else."""
    if not text.strip():
        return ""
    if len(text) > _LONGEST or not _PYTHON.fullmatch(text):
        raise UsageError(f"{text[:100]!r} is not a version of Python", hint="write `3.12` or `>=3.11,<4`")
    return text.strip()
