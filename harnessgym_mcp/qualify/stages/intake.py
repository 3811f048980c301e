"""1 intake: what may be taken in at all. Everything later works on the private copy that is made here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.names import check_artifact_name, sanitised
from harnessgym_mcp.core.text import visible
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.errors import HarnessGymError, NameRefused, StateError
from harnessgym_mcp.qualify.checks.poison import poison
from harnessgym_mcp.qualify.checks.strict_json import read_strictly
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.store.tree import TreeRefused, copy_tree, scan_tree, survey

__all__ = ["run"]

_FIXES = {
    "symlink": "replace the link by the file itself",
    "special": "remove it: only regular files can be taken in",
    "setuid": "chmod u-s,g-s it",
    "collision": "rename one of the two",
    "too-large": "leave out what the server does not need, or make it at run time in ${PLUGIN_DATA}",
    "too-many": "leave out what the server does not need; declare packages instead of shipping them",
    "changed": "submit again once nothing writes there any more",
    "unreadable": "make it readable",
}


async def run(ctx: Context) -> list[Finding]:
    try:
        ctx.tree = scan_tree(Path(ctx.request.source), ctx.policy.limits)
        copy_tree(Path(ctx.request.source), ctx.root, ctx.tree)
    except TreeRefused as refused:
        ctx.tree, _ = survey(Path(ctx.request.source), ctx.policy.limits)  # for its digest: evidence has a name
        return [_refused(*problem) for problem in refused.problems[:20]]
    except StateError:  # our own copy could not be written
        raise
    except HarnessGymError as error:
        return [finding("intake.unreadable", error.message, where=ctx.request.source, fix=error.hint)]
    ctx.plugin = _read(ctx.root / "plugin.json")
    ctx.mcp = _read(ctx.root / "mcp.json")
    return [*_file_names(ctx), *_name(ctx)]


def _refused(where: str, id: str, what: str) -> Finding:
    fix = _FIXES.get(id, "use short names of letters, digits, '-', '_' and '.'")
    return finding(f"intake.{id}", what, where=visible(where), fix=fix)


def _read(path: Path) -> Any:
    """The file's JSON value; None where there is none that can be read (the manifest stage says why)."""
    try:
        return read_strictly(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _file_names(ctx: Context) -> Iterator[Finding]:
    for file in ctx.tree.files if ctx.tree else ():
        if next(poison(file.path), None):
            yield finding(
                "intake.name",
                "the file's name holds hidden characters or instructions",
                where=visible(file.path),
                fix="use short names of letters, digits, '-', '_' and '.'",
            )


def _name(ctx: Context) -> Iterator[Finding]:
    """Illegal, reserved, not the expected one, or the same as another's to some client."""
    where, name = "plugin.json name", ctx.name
    if not isinstance(ctx.plugin, dict) or not isinstance(ctx.plugin.get("name"), str):
        return
    try:
        check_artifact_name(name)
    except NameRefused as error:
        yield finding("intake.artifact-name", error.message, where=where, fix=error.hint)
        return
    if ctx.request.name and name != ctx.request.name:
        yield finding(
            "intake.artifact-name",
            f"the artifact is called {name!r}; expected is {ctx.request.name!r}",
            where=where,
            fix=f'set "name": "{ctx.request.name}"',
        )
    for known in ctx.request.known:
        if known.name != name and sanitised(known.name).lower() == sanitised(name).lower():
            yield finding(
                "intake.name-collision",
                f"{name!r} and the artifact {known.name!r} are one name to some clients",
                where=where,
                fix="choose a name that differs in more than punctuation",
            )
