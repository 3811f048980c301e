"""Programs that an artifact says it runs, or is started with: are they where its server will look for them?"""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.proc.toolchain import SYSTEM_PATH, find_toolchain

__all__ = ["check_commands", "check_skills_commands"]

_FIX = "have it installed, for all users of this machine; or do without it, or ship what it does"
_NAME = re.compile(r"[^\s<>=!~(@]+")  # of `git`, and of `git >= 2.30`
_SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib")))


def check_commands(commands: Iterable[str], where: str, folders: Iterable[Path] = ()) -> Iterator[Finding]:
    """`folders` are further places with programs, those of the artifact's environment. Files of the artifact itself
    are the recipe's concern."""
    for what in _missing_of(commands, list(folders)):
        yield finding("boot.command", what, where=where, fix=_FIX)


def check_skills_commands(commands: Iterable[str], where: str) -> Iterator[Finding]:
    """A skill alone runs nothing here: told, and no more."""
    for what in _missing_of(commands, []):
        yield finding("manifest.command", what, severity="warning", where=where, fix=_FIX)


def _missing_of(commands: Iterable[str], folders: list[Path]) -> Iterator[str]:
    for command in commands:
        match = _NAME.match(command.strip())
        if match and not match[0].startswith(("./", "${")) and (what := _missing(match[0], folders)):
            yield what


def _missing(name: str, folders: list[Path]) -> str:
    """Why it cannot be run in a room; "" if it can."""
    toolchain = find_toolchain()
    if name in {link for link, _ in toolchain.links} or any((folder / name).exists() for folder in folders):
        return ""
    found = shutil.which(name, path=":".join([*SYSTEM_PATH, *toolchain.path]))
    if found is None:
        return f"the program {one_line(name, 80)!r} is not on this machine"
    visible = (*_SYSTEM, *toolchain.roots)
    if any(Path(found).resolve().is_relative_to(place) for place in visible):
        return ""
    return f"the program {one_line(name, 80)!r} lies outside the system's folders, where the sandbox does not show it"
